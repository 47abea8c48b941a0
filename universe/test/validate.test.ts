import t from 'tap'
import { type JsonObject, parseJson } from '../src/render/json.ts'
import { validateOptions } from '../src/render/validate.ts'

const json = (text: string) => parseJson(text) as JsonObject
const validate = (schema: string, options: string) => validateOptions(json(options), json(schema))

t.test('every failure is reported, with what clients of Cosmos read', async t => {
  const schema = `{"properties": {"service": {"type": "object", "additionalProperties": false, "required": ["name", "user"],
    "properties": {"name": {"type": "string"}, "user": {"type": "string"}, "cpus": {"type": "number", "minimum": 0.5},
      "mode": {"enum": ["a", "b"]}, "id": {"type": "string", "pattern": "^[a-z\\\\-\\\\_]+$"}}}}}`
  const failures = validate(schema, '{"service":{"cpus":0.1,"mode":"c","id":"UP","x":1,"y":2}}')
  const by = Object.fromEntries(failures.map(failure => [failure.keyword, failure]))
  t.match(by.required, {
    level: 'error',
    domain: 'validation',
    instance: { pointer: '/service' },
    schema: { pointer: '/properties/service' },
    missing: ['name', 'user'],
  })
  t.match(by.additionalProperties, { instance: { pointer: '/service' }, unwanted: ['x', 'y'] })
  t.match(by.minimum, { instance: { pointer: '/service/cpus' }, minimum: 0.5, found: 0.1 })
  t.match(by.enum, { instance: { pointer: '/service/mode' }, enum: ['a', 'b'], value: 'c' })
  t.match(by.pattern, { instance: { pointer: '/service/id' }, string: 'UP' })
  t.equal(failures.length, 5)
  t.ok(failures.every(failure => failure.message.length > 5))
  t.match(validate('{"properties":{"n":{"type":"integer"}}}', '{"n":"4"}')[0], {
    keyword: 'type',
    instance: { pointer: '/n' },
    found: 'string',
    expected: ['integer'],
  })
})

/** [what, schema, options, how many failures] */
const table: [string, string, string, number][] = [
  ['1.0 is an integer', '{"properties":{"n":{"type":"integer"}}}', '{"n":1.0}', 0],
  ['1.5 is none', '{"properties":{"n":{"type":"integer"}}}', '{"n":1.5}', 1],
  ['a number beyond doubles is one', '{"properties":{"n":{"type":"integer"}}}', '{"n":1e400}', 0],
  [
    '2^63-1 is an integer',
    '{"properties":{"n":{"type":"integer","maximum":9223372036854775807}}}',
    '{"n":9223372036854775807}',
    0,
  ],
  [
    'stray ids are never resolved',
    '{"id":"http://x/y","properties":{"a":{"id":"http://x/y","type":"string"},"b":{"id":"http://x/y","type":"string"}}}',
    '{"a":"s","b":1}',
    1,
  ],
  ['a property called id is one', '{"properties":{"id":{"type":"string"}},"required":["id"]}', '{"id":3}', 1],
  [
    'properties named as keywords',
    '{"properties":{"properties":{"type":"string"},"required":{"type":"boolean"}}}',
    '{"properties":1,"required":"x"}',
    2,
  ],
  [
    'unknown keywords',
    '{"media":"x","properties":{"a":{"media":{"type":"x"},"type":"string","hidden":true}}}',
    '{"a":"x"}',
    0,
  ],
  ['formats say nothing', '{"properties":{"a":{"format":"email"}}}', '{"a":"x"}', 0],
  ['draft-04 exclusive limits', '{"properties":{"n":{"minimum":1,"exclusiveMinimum":true}}}', '{"n":1}', 1],
  ['an exclusive limit alone', '{"properties":{"n":{"exclusiveMinimum":true}}}', '{"n":-1}', 0],
  ['the old required: true of a property', '{"properties":{"a":{"required":true,"type":"string"}}}', '{"b":1}', 0],
  ['an unknown type', '{"properties":{"a":{"type":"any"}}}', '{"a":1}', 0],
  ['a pattern that is none', '{"properties":{"a":{"pattern":"(?i)["}}}', '{"a":"x"}', 0],
  ['$schema', '{"$schema":"http://json-schema.org/schema#","properties":{"a":{"type":"null"}}}', '{"a":null}', 0],
  [
    'a local reference',
    '{"definitions":{"s":{"type":"string"}},"properties":{"a":{"$ref":"#/definitions/s"}}}',
    '{"a":1}',
    1,
  ],
  ['a foreign reference is refused, not fetched', '{"properties":{"a":{"$ref":"http://x/y"}}}', '{"a":1}', 1],
  ['a reference to itself', '{"$ref":"#"}', '{"a":1}', 1],
  ['dependencies', '{"dependencies":{"a":["b"]}}', '{"a":1}', 1],
  [
    'lengths and sizes',
    '{"properties":{"a":{"minLength":3},"b":{"maxItems":1},"c":{"minProperties":1}}}',
    '{"a":"é1","b":[1,2],"c":{}}',
    3,
  ],
  ['uniqueItems', '{"properties":{"a":{"uniqueItems":true}}}', '{"a":[{"x":1},{"x":1}]}', 1],
  ['__proto__ is a name as any', '{"additionalProperties":false,"properties":{"a":{}}}', '{"__proto__":1}', 1],
]

for (const [what, schema, options, failures] of table) {
  t.test(`schemas: ${what}`, async t => {
    t.equal(validate(schema, options).length, failures)
  })
}

t.test('a choice is one failure, with the failures of its branches as reports', async t => {
  const schema = '{"properties":{"a":{"oneOf":[{"type":"string"},{"type":"object","required":["x"]}]}}}'
  const failures = validate(schema, '{"a":{}}')
  t.equal(failures.length, 1)
  t.match(failures[0], { keyword: 'oneOf', instance: { pointer: '/a' } })
  t.match((failures[0]!.reports as { keyword: string }[]).map(report => report.keyword).sort(), ['required', 'type'])
})

t.test('a hostile schema or pattern ends in time, as a failure', async t => {
  const started = performance.now()
  const slow = validate('{"properties":{"a":{"pattern":"^(a+)+$"}}}', `{"a":"${'a'.repeat(50)}b"}`)
  t.match(slow, [{ keyword: 'schema', message: /too costly/ }])
  t.ok(performance.now() - started < 10_000)
  const wide = `{"properties":{${Array.from({ length: 21_000 }, (_, i) => `"p${i}":{"type":"string"}`).join()}}}`
  t.match(validate(wide, '{"a":1}'), [{ message: /more than/ }])
  let deep = '{}'
  for (let level = 0; level < 40; level += 1) deep = `{"properties":{"a":${deep}}}`
  t.same(validate(deep, '{"a":1}'), [], 'forty levels are no problem')
})
