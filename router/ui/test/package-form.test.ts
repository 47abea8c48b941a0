import t from 'tap'
import { groupsOf, isChanged, optionsOf, shown } from '../src/model/package-form.ts'

const config = {
  properties: {
    flag: { type: 'boolean', default: true },
    service: {
      title: 'The service',
      required: ['name', 'token'],
      properties: {
        name: { type: 'string', default: 'web' },
        token: { type: 'string' },
        cpus: { type: 'number', default: 0.5, minimum: 0.1 },
        count: { type: 'integer', default: 2, maximum: 5 },
        level: { enum: [1, 2, 'auto'], default: 'auto' },
        hosts: { type: 'array', default: ['a'] },
        deep: { properties: { port: { type: 'integer', default: 80 } } },
      },
    },
  },
}

const groups = groupsOf(config)
const field = (name: string) => groups.flatMap(({ fields }) => fields).find(found => found.name === name)!

t.test('sections are the top-level objects; what stands alone is General', async t => {
  t.strictSame(
    groups.map(({ name, fields }) => [name, fields.map(found => found.name)]),
    [
      ['General', ['flag']],
      [
        'The service',
        [
          'service.name',
          'service.token',
          'service.cpus',
          'service.count',
          'service.level',
          'service.hosts',
          'service.deep.port',
        ],
      ],
    ],
  )
  t.equal(field('service.deep.port').label, 'deep › port')
  t.equal(shown(field('flag'), {}), true)
  t.equal(shown(field('service.hosts'), {}), '["a"]')
  t.equal(shown(field('service.token'), {}), '')
})

t.test('only what differs from the defaults is sent', async t => {
  const edits = {
    flag: true,
    'service.token': 's3',
    'service.cpus': '0.50',
    'service.count': '4',
    'service.level': '2',
    'service.hosts': '["a","b"]',
    'service.deep.port': '8080',
  }
  t.strictSame(optionsOf(groups, edits), {
    options: { service: { token: 's3', count: 4, level: 2, hosts: ['a', 'b'], deep: { port: 8080 } } },
    problems: [],
  })
  t.equal(isChanged(field('service.cpus'), edits), false, '0.50 is the default written otherwise')
  t.equal(isChanged(field('service.count'), edits), true)
})

t.test('an emptied field falls back to its default, unless it is required', async t => {
  const { options, problems } = optionsOf(groups, { 'service.cpus': '', 'service.name': ' ', 'service.token': 'x' })
  t.strictSame(options, { service: { token: 'x' } })
  t.match(problems, [{ name: 'service.name', message: /string, by default "web"/ }])
  t.match(optionsOf(groups, {}).problems, [{ name: 'service.token' }])
})

t.test('what can not be sent is named with its field', async t => {
  const edits = {
    'service.token': 'x',
    'service.cpus': '0',
    'service.count': '1.5',
    'service.hosts': '[',
    'service.deep.port': 'x',
  }
  t.strictSame(
    optionsOf(groups, edits).problems.map(({ name }) => name),
    ['service.cpus', 'service.count', 'service.hosts', 'service.deep.port'],
  )
  t.match(optionsOf(groups, { ...edits, 'service.count': '6' }).problems[1], { message: 'at most 5' })
})

t.test('hostile schemas draw nothing and break nothing', async t => {
  for (const schema of [undefined, null, 5, [], { properties: [] }, { properties: { a: null, b: 7 } }])
    t.strictSame(groupsOf(schema), [])
  const hostile = JSON.parse(
    '{"properties":{"__proto__":{"type":"string"},"a":{"properties":{"__proto__":{"type":"string"},"constructor":{"type":"string"}}}}}',
  ) as unknown
  const found = groupsOf(hostile)
  t.strictSame(
    found.flatMap(({ fields }) => fields.map(({ name }) => name)),
    ['a.constructor'],
  )
  t.strictSame(JSON.stringify(optionsOf(found, { 'a.constructor': 'x' }).options), '{"a":{"constructor":"x"}}')
  t.equal(({} as { x?: unknown }).x, undefined)
  let deep: unknown = { type: 'string' }
  for (let depth = 0; depth < 5_000; depth += 1) deep = { properties: { d: deep } }
  t.ok(groupsOf(deep))
})
