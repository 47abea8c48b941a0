import { gzipSync } from 'node:zlib'
import t from 'tap'
import { CatalogError } from '../src/problems.ts'
import { decodeJson, encodeJson, packEnvelope, unpackEnvelope } from '../src/render/envelope.ts'
import { type JsonObject, member, parseJson, stringifyJson } from '../src/render/json.ts'
import { definitionOf, optionsOf } from '../src/render/labels.ts'
import { defaultsOf, merge } from '../src/render/options.ts'
import type { PackageDefinition } from '../src/render/package.ts'
import { renderPackage, resolveOptions } from '../src/render/render.ts'
import { fillTemplate, TemplateProblem } from '../src/render/template.ts'
import { toInstallation } from '../src/services/installed.ts'
import { problem } from './problem.ts'

const json = (text: string) => parseJson(text) as JsonObject
const fill = (template: string, options: string | JsonObject) =>
  fillTemplate(template, typeof options === 'string' ? json(options) : options)

function definition(parts: Partial<PackageDefinition> & { template?: string }): PackageDefinition {
  const { template, ...rest } = parts
  return {
    packagingVersion: '4.0',
    name: 'thing',
    version: '1.0',
    releaseVersion: 0,
    maintainer: 'a@b.c',
    description: 'a thing',
    tags: [],
    ...(template === undefined
      ? {}
      : { marathon: { v2AppMustacheTemplate: Buffer.from(template).toString('base64') } }),
    ...rest,
  } as PackageDefinition
}

function refusal(work: () => unknown): CatalogError {
  try {
    work()
  } catch (error) {
    if (error instanceof CatalogError) return error
    throw error
  }
  throw new Error('was not refused')
}

t.test('defaults are taken from properties, whole where the key exists', async t => {
  const config = json(`{"properties": {
    "a": {"default": 1}, "b": {"properties": {"c": {"default": "x"}, "d": {}}}, "e": {"properties": {"f": {}}},
    "g": {"default": null, "properties": {"h": {"default": 1}}}, "i": {"default": [1], "items": {"default": 9}},
    "j": {"oneOf": [{"properties": {"k": {"default": 1}}}]}, "l": 7 }}`)
  t.same(defaultsOf(config), { a: 1, b: { c: 'x' }, g: null, i: [1] })
  t.same(defaultsOf(undefined), {})
})

t.test('merging replaces everything but objects, and is not fooled by __proto__', async t => {
  t.same(merge(json('{"a":{"b":1,"c":[1,2]},"d":1}'), json('{"a":{"c":[3]},"d":null}')), {
    a: { b: 1, c: [3] },
    d: null,
  })
  const merged = merge(json('{"a":{}}'), json('{"__proto__":{"polluted":true},"a":{"__proto__":{"polluted":true}}}'))
  t.equal(({} as { polluted?: boolean }).polluted, undefined)
  t.equal((merged as { polluted?: boolean }).polluted, undefined)
  t.ok(Object.hasOwn(merged, '__proto__'))
})

t.test('numbers show as whole digits of any size, or the shortest text of the double', async t => {
  const cases: [string, string][] = [
    ['0', '0'],
    ['-0', '0'],
    ['1.0', '1'],
    ['1e3', '1000'],
    ['-25e-1', '-2.5'],
    ['250e-1', '25'],
    ['0.1', '0.1'],
    ['9223372036854775807', '9223372036854775807'],
    ['123456789012345678901234567890', '123456789012345678901234567890'],
    ['1.7976931348623157E308', `17976931348623157${'0'.repeat(292)}`],
    ['1e99999999', '1e99999999'],
    ['0e99999999', '0'],
  ]
  for (const [text, shown] of cases) t.equal(fill('{{n}}', `{"n":${text}}`), shown, text)
  t.equal(fill('{{n}}', '{"n":1.7976931348623157E308}').length, 309)
  t.equal(stringifyJson(parseJson('[9223372036854775807,1.50]')), '[9223372036854775807,1.5]')
})

/** One table by the letters of the contract's "Quirks to test", and of the rules above them. */
const quirks: [string, string, string, string][] = [
  ['a: quotes, backslashes, newlines', '"{{x}}"', '{"x":"a\\"b\\\\c\\nd"}', '"a\\"b\\\\c\\nd"'],
  ['a: JSON text in a string', '"{{{x}}}"', '{"x":"[[\\"h\\"]]"}', '"[[\\"h\\"]]"'],
  [
    'b: no HTML escaping',
    '{{x}}{{{x}}}{{&x}}',
    '{"x":"<a href=\'x\'>&/`="}',
    "<a href='x'>&/`=<a href='x'>&/`=<a href='x'>&/`=",
  ],
  [
    'c: an array bare',
    '{{s.p}}',
    '{"s":{"p":[["hostname","UNIQUE"],[1,true,null]]}}',
    '[["hostname", "UNIQUE"], [1, true, null]]',
  ],
  ['c: an empty array', '{{s}}', '{"s":[]}', '[]'],
  [
    'd: elements and a constant end',
    '[{{#l}}{"k":"{{key}}"},{{/l}}0]',
    '{"l":[{"key":"a"},{"key":"b"}]}',
    '[{"k":"a"},{"k":"b"},0]',
  ],
  ['d: no element', '[{{#l}}{"k":1},{{/l}}0]', '{"l":[]}', '[0]'],
  ['e: a section on 0', '{{#n}}{{n}}{{/n}}{{^n}}none{{/n}}', '{"n":0}', '0'],
  ['f: a string as a switch', '{{#s}}yes{{/s}}{{^s}}no{{/s}}', '{"s":"x"}', 'yes'],
  ['f: an empty string', '{{#s}}yes{{/s}}{{^s}}no{{/s}}', '{"s":""}', 'no'],
  [
    'f: true, false, null, missing',
    '{{#t}}t{{/t}}{{^f}}f{{/f}}{{^n}}n{{/n}}{{^m}}m{{/m}}',
    '{"t":true,"f":false,"n":null}',
    'tfnm',
  ],
  [
    'g: nested with inverted twins',
    '{{#a}}{{#b}}{{#c}}1{{/c}}{{^c}}2{{/c}}{{/b}}{{^b}}3{{/b}}{{/a}}{{^a}}4{{/a}}',
    '{"a":true,"b":"x","c":false}',
    '2',
  ],
  ['l: . keeps its quotes', '[{{#l}}{{.}},{{/l}}"end"]', '{"l":["a\\"b","c"]}', '["a\\"b","c","end"]'],
  ['. of numbers', '{{#l}}<{{.}}>{{/l}}', '{"l":[1,0,2.5]}', '<1><0><2.5>'],
  ['null and missing are empty', '<{{n}}{{m.k}}>', '{"n":null}', '<>'],
  [
    'names with blanks and dashes',
    '{{Framework Settings.framework-name}}',
    '{"Framework Settings":{"framework-name":"m"}}',
    'm',
  ],
  ['blanks around a name', '{{ a.b }}{{# a }}{{ b }}{{/ a }}', '{"a":{"b":1}}', '11'],
  ['the innermost frame first', '{{#o}}{{x}}{{y}}{{/o}}', '{"x":1,"y":2,"o":{"x":3}}', '32'],
  ['a dotted name stays in one frame', '{{#o}}{{a.b}}{{/o}}', '{"a":{"b":1},"o":{"a":{"c":2}}}', '1'],
  [
    'isEmpty of lists',
    '{{^l.isEmpty}}full{{/l.isEmpty}}{{#e.isEmpty}}empty{{/e.isEmpty}}',
    '{"l":[1],"e":[]}',
    'fullempty',
  ],
  [
    'isEmpty of strings',
    '{{#s.isEmpty}}empty{{/s.isEmpty}}{{^t.isEmpty}}full{{/t.isEmpty}}',
    '{"s":"","t":"x"}',
    'emptyfull',
  ],
  ['length and size', '{{s.length}} {{l.size}}', '{"s":"abc","l":[1,2]}', '3 2'],
  ['comments', 'a{{! nothing }}b', '{}', 'ab'],
  ['asJson of a string', '{{#asJson}}doc{{/asJson}}', '{"doc":"{\\"a\\":[1,\\"x\\"]}"}', '{"a":[1,"x"]}'],
  [
    'asJson of anything else',
    '{{#asJson}}n{{/asJson}} {{#asJson}}a.b{{/asJson}} {{#asJson}}m{{/asJson}}',
    '{"n":1,"a":{"b":"x"}}',
    'null null null',
  ],
  ['asJson hides an option', '{{asJson}}{{^asJson}}x{{/asJson}}', '{"asJson":"mine"}', ''],
  ['own members only', '<{{constructor}}{{a.toString}}{{__proto__}}>', '{"a":{}}', '<>'],
]

for (const [name, template, options, expected] of quirks) {
  t.test(`quirk ${name}`, async t => {
    t.equal(fill(template, options), expected)
  })
}

t.test('a template that multiplies or can not be read is refused, not run', async t => {
  const list = JSON.stringify(Array.from({ length: 1000 }, () => 1))
  const depth = 8
  const bomb = `${'{{#l}}'.repeat(depth)}x${'{{/l}}'.repeat(depth)}`
  t.throws(() => fill(bomb, `{"l":${list}}`), TemplateProblem)
  t.throws(() => fill('{{#l}}{{s}}{{/l}}', `{"l":${list},"s":"${'y'.repeat(10_000)}"}`), TemplateProblem)
  for (const broken of ['{{#a}}', '{{/a}}', '{{a', '{{>part}}', '{{#a}}{{/b}}']) {
    t.throws(() => fill(broken, '{}'), TemplateProblem, broken)
  }
  t.throws(() => fill('x'.repeat(600_000), '{}'), TemplateProblem)
})

t.test('a template that is small and slow ends in time', async t => {
  t.throws(() => fill(`{{x${' '.repeat(500_000)}!`, '{}'), TemplateProblem, 'blanks before an end that never comes')
  const list = JSON.stringify(Array.from({ length: 100_000 }, () => 1))
  t.throws(() => fill(`{{#l}}{{${'a.'.repeat(200_000)}a}}{{/l}}`, `{"l":${list}}`), TemplateProblem, 'a long name')
})

t.test('options are refused, let through or validated as Cosmos does', async t => {
  t.same(resolveOptions(definition({}), {}), {})
  t.equal(refusal(() => resolveOptions(definition({}), { a: 1 })).type, 'OptionsNotAllowed')
  const required = definition({ config: json('{"properties":{"a":{"type":"string"}},"required":["a"]}') })
  t.same(resolveOptions(required, {}), {}, 'no options at all are not validated')
  t.equal(refusal(() => resolveOptions(required, { b: 1 })).type, 'JsonSchemaMismatch')
})

t.test('resource wins over an option of that name, deep', async t => {
  const thing = definition({
    template: '{"a":"{{resource.assets.uris.x}}","b":"{{resource.own}}","c":"{{#resource.cli}}cli{{/resource.cli}}"}',
    config: json('{"properties":{}}'),
    resource: { assets: { uris: { x: 'http://x/y' } }, cli: { binaries: {} } },
  })
  const app = renderPackage({
    definition: thing,
    source: 'r',
    options: json('{"resource":{"own":"o","assets":{"uris":{"x":"mine"}}}}'),
  })
  t.match(app, { a: 'http://x/y', b: 'o', c: 'cli' })
  const old = renderPackage({ definition: { ...thing, packagingVersion: '2.0' }, source: 'r' })
  t.match(old, { c: '' }, 'packaging 2.0 has no command line in its resource')
})

t.test('what a template renders must be a JSON object with labels of strings', async t => {
  const failing: [string, string][] = [
    ['{"a":}', 'JsonParsingError'],
    ['{"a":1,}', 'JsonParsingError'],
    ['{{#open}}', 'JsonParsingError'],
    ['[1]', 'MarathonTemplateMustBeJsonObject'],
    ['9007199254740993', 'MarathonTemplateMustBeJsonObject'],
    ['{"labels":{"a":1}}', 'JsonDecodingError'],
    ['{"labels":["a"]}', 'JsonDecodingError'],
  ]
  for (const [template, type] of failing) {
    t.equal(refusal(() => renderPackage({ definition: definition({ template }), source: 'r' })).type, type, template)
  }
  t.equal(renderPackage({ definition: definition({}), source: 'r' }), undefined, 'no template, no app')
  const twice = renderPackage({
    definition: definition({ template: '{"ports":[1],"id":"a","ports":[2]}' }),
    source: 'r',
  })
  t.same(twice?.ports, [2], 'of repeated keys the last wins')
})

t.test('the labels of the package are written over those of the template, and can be read back', async t => {
  const thing = definition({
    template: '{"id":"x","labels":{"A":"1","DCOS_PACKAGE_NAME":"lie"}}',
    config: json('{"properties":{}}'),
  })
  const options = json('{"n":null,"big":9223372036854775807,"s":"é"}')
  const app = renderPackage({ definition: thing, source: 'http://repo', options, appId: 'group/y' })!
  const labels = app.labels as Record<string, string>
  t.equal(app.id, '/group/y')
  t.match(labels, {
    A: '1',
    DCOS_PACKAGE_NAME: 'thing',
    DCOS_PACKAGE_VERSION: '1.0',
    DCOS_PACKAGE_SOURCE: 'http://repo',
  })
  t.equal(Buffer.from(labels.DCOS_PACKAGE_OPTIONS!, 'base64').toString(), '{"big":9223372036854775807,"s":"é"}')
  const envelope = unpackEnvelope(decodeJson(labels.DCOS_PACKAGE_DEFINITION!))
  t.equal(envelope.contentType, 'application/vnd.dcos.universe.package+json;charset=utf-8;version=v4')
  t.same(envelope.data, thing)
  t.same(definitionOf(labels), thing)
  t.same(stringifyJson(optionsOf(labels)!), '{"big":9223372036854775807,"s":"é"}')
  const plain = renderPackage({ definition: thing, source: 'r' })!
  t.equal((plain.labels as Record<string, string>).DCOS_PACKAGE_OPTIONS, 'e30=')
  t.equal(definitionOf({ DCOS_PACKAGE_DEFINITION: 'rubbish' }), undefined)
  t.match(definitionOf({ DCOS_PACKAGE_METADATA: Buffer.from('{"name":"old"}').toString('base64') }), { name: 'old' })
})

t.test('a label can not grow to what keeps the processor, and is read only when somebody asks', async t => {
  const bomb = packEnvelope('x', json(`{"a":[${'{},'.repeat(300_000)}0]}`))
  t.ok(stringifyJson(bomb).length < 10_000)
  t.ok(definitionOf({ DCOS_PACKAGE_DEFINITION: encodeJson(bomb) }))
  const larger = {
    metadata: { 'Content-Type': 'x', 'Content-Encoding': 'gzip' },
    data: gzipSync(`{"a":[${'{},'.repeat(400_000)}0]}`).toString('base64'),
  }
  t.equal(definitionOf({ DCOS_PACKAGE_DEFINITION: encodeJson(larger) }), undefined)
  const large = definition({ template: '{"id":"x"}', config: { description: 'd'.repeat(1024 * 1024) } })
  t.match(
    refusal(() => renderPackage({ definition: large, source: 'r' })),
    problem('JsonDecodingError'),
    'nobody could read it',
  )

  const unread = () => t.fail('nobody asked for it')
  const labels: Record<string, string> = { DCOS_PACKAGE_NAME: 'thing', DCOS_PACKAGE_VERSION: '1.0' }
  for (const name of ['DCOS_PACKAGE_DEFINITION', 'DCOS_PACKAGE_OPTIONS'])
    Object.defineProperty(labels, name, { enumerable: true, get: unread })
  t.match(toInstallation({ id: '/x', labels }), { id: '/x', packageName: 'thing', packageVersion: '1.0' })
})

t.test('a package that renders a group is a group, its apps carry the labels', async t => {
  const template =
    '{"id":"/g","apps":[{"id":"a","labels":{"X":"1"}},{"id":"b"}],"groups":[{"id":"in","apps":[{"id":"c"}]}]}'
  const group = renderPackage({ definition: definition({ template }), source: 'r' })!
  t.equal(group.labels, undefined)
  const apps = group.apps as JsonObject[]
  t.match(apps[0]!.labels, { X: '1', DCOS_PACKAGE_NAME: 'thing' })
  t.match(apps[1]!.labels, { DCOS_PACKAGE_NAME: 'thing' })
  const inner = (group.groups as JsonObject[])[0]!
  t.match(member((inner.apps as JsonObject[])[0], 'labels'), { DCOS_PACKAGE_NAME: 'thing' })
})
