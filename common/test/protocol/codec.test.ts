import t, { type Test } from 'tap'
import {
  BadMessage,
  decode,
  encode,
  fromJson,
  parseJson,
  stringify,
  toJson,
  unknownFields,
} from '../../src/protocol/codec.ts'
import type { MessageName, TaskInfo } from '../../src/protocol/mesos.ts'
import { MAX_DEPTH } from '../../src/protocol/place.ts'

const CALL = 'mesos.v1.scheduler.Call'

function refused(t: Test, name: MessageName, json: unknown, path: string, reason: RegExp, what: string): void {
  try {
    const value = fromJson(name, json)
    t.fail(`${what}: accepted as ${JSON.stringify(value)}`)
  } catch (error) {
    if (!(error instanceof BadMessage)) throw error
    t.equal(error.path, path, `${what}: the path`)
    t.match(error.reason, reason, `${what}: the reason`)
  }
}

function accepted(t: Test, name: MessageName, json: unknown, wanted: unknown, what: string): void {
  t.strictSame(JSON.parse(JSON.stringify(fromJson(name, json))), wanted, what)
}

t.test('reads JSON as Mesos did (contract 1.4)', async t => {
  const framework = { user: 'u', name: 'n' }
  const task = { name: 't', task_id: { value: 'x' }, agent_id: { value: 'a' } }
  const rows: [what: string, name: MessageName, json: unknown, wanted: unknown][] = [
    ['null is unset', 'mesos.v1.FrameworkInfo', { ...framework, id: null, roles: null }, framework],
    ['unknown fields are ignored', 'mesos.v1.FrameworkInfo', { ...framework, sparkles: [1] }, framework],
    ['numbers may be text', 'mesos.v1.Value.Scalar', { value: '0.5' }, { value: 0.5 }],
    ['whole numbers may be text', 'mesos.v1.Value.Range', { begin: '1', end: '1e3' }, { begin: 1, end: 1000 }],
    [
      'booleans may be text',
      'mesos.v1.FrameworkInfo',
      { ...framework, checkpoint: 'true' },
      { ...framework, checkpoint: true },
    ],
    ['one text for a list', 'mesos.v1.FrameworkInfo', { ...framework, roles: 'a' }, { ...framework, roles: ['a'] }],
    [
      'one object for a list',
      'mesos.v1.ContainerInfo',
      { type: 'MESOS', network_infos: { name: 'n' } },
      { type: 'MESOS', network_infos: [{ name: 'n' }] },
    ],
    ['an empty list is absent', 'mesos.v1.FrameworkInfo', { ...framework, roles: [], capabilities: [null] }, framework],
    [
      'an unknown enum name in an optional field is unset',
      'mesos.v1.Environment.Variable',
      { name: 'A', type: 'MAGIC' },
      { name: 'A' },
    ],
    [
      'an unknown enum name in a list is left out',
      'mesos.v1.FrameworkInfo',
      { ...framework, capabilities: [{ type: 'MAGIC' }, { type: 'MULTI_ROLE' }] },
      { ...framework, capabilities: [{}, { type: 'MULTI_ROLE' }] },
    ],
    [
      'the last of a oneof wins',
      'mesos.v1.scheduler.AttributeConstraint.Selector',
      { pseudoattribute_type: 'ZONE', attribute_name: 'r' },
      { attribute_name: 'r' },
    ],
    ['bytes are base64', 'mesos.v1.TaskInfo', { ...task, data: 'aGk=' }, { ...task, data: 'aGk=' }],
    [
      'the largest 64-bit integers',
      'mesos.v1.Value.Range',
      { begin: '9223372036854775807', end: '18446744073709551615' },
      { begin: 2 ** 63, end: 2 ** 64 },
    ],
  ]
  for (const [what, name, json, wanted] of rows) accepted(t, name, json, wanted, what)
  t.equal(fromJson('mesos.v1.Value.Scalar', { value: 'Infinity' }).value, Number.POSITIVE_INFINITY)
  t.equal(fromJson('mesos.v1.Value.Scalar', { value: '-Infinity' }).value, Number.NEGATIVE_INFINITY)
})

t.test('refuses what it can not read, naming the field', async t => {
  const accept = (task: object) => ({
    type: 'ACCEPT',
    accept: { operations: [{ type: 'LAUNCH', launch: { task_infos: [task] } }] },
  })
  const at = 'accept.operations[0].launch.task_infos[0]'
  const task = { name: 't', task_id: { value: 'x' }, agent_id: { value: 'a' } }
  const rows: [what: string, json: unknown, path: string, reason: RegExp][] = [
    ['a missing required field', accept({ ...task, task_id: {} }), `${at}.task_id.value`, /required/],
    ['a null required field', accept({ ...task, name: null }), `${at}.name`, /required/],
    ['an object for text', accept({ ...task, name: {} }), `${at}.name`, /must be text, not an object/],
    ['a number for text', accept({ ...task, name: 7 }), `${at}.name`, /must be text, not 7/],
    ['a list for one value', accept({ ...task, name: ['t'] }), `${at}.name`, /must be text, not an array/],
    ['text for an object', accept({ ...task, task_id: 'x' }), `${at}.task_id`, /must be an object, not "x"/],
    [
      'a list in a list',
      { accept: { offer_ids: [[{ value: 'o' }]] } },
      'accept.offer_ids[0]',
      /must be an object, not an array/,
    ],
    ['no base64', accept({ ...task, data: 'a' }), `${at}.data`, /base64/],
    ['base64 without padding', accept({ ...task, data: 'aGk' }), `${at}.data`, /base64/],
    [
      'an unknown name in a required enum',
      accept({ ...task, container: { type: 'BOX' } }),
      `${at}.container.type`,
      /"BOX" is not a known value/,
    ],
    ['a number for an enum', { type: 1 }, 'type', /must be the name of an enum value/],
    [
      'no number',
      accept({ ...task, resources: [{ name: 'cpus', type: 'SCALAR', scalar: { value: 'many' } }] }),
      `${at}.resources[0].scalar.value`,
      /must be a number, not "many"/,
    ],
    [
      'a fraction',
      accept({ ...task, max_completion_time: { nanoseconds: 1.5 } }),
      `${at}.max_completion_time.nanoseconds`,
      /whole number/,
    ],
    [
      'too large a number',
      accept({ ...task, max_completion_time: { nanoseconds: 1e19 } }),
      `${at}.max_completion_time.nanoseconds`,
      /out of the range of int64/,
    ],
    ['a bare value for a map', accept({ ...task, limits: 5 }), `${at}.limits`, /must be an object/],
    ['a bad value in a map', accept({ ...task, limits: { cpus: {} } }), `${at}.limits.cpus.value`, /required/],
    ['a number for a boolean', accept({ ...task, command: { shell: 1 } }), `${at}.command.shell`, /true or false/],
    ['half of a surrogate pair', accept({ ...task, name: '\ud800' }), `${at}.name`, /surrogate/],
  ]
  for (const [what, json, path, reason] of rows) refused(t, CALL, json, path, reason, what)
  for (const json of [null, 1, 'x', true, []]) refused(t, CALL, json, '', /must be an object/, JSON.stringify(json))
  const long = { a: { ...task }, name: 'x'.repeat(10_000) }
  refused(
    t,
    'mesos.v1.TaskInfo',
    { ...long, limits: { ['k'.repeat(10_000)]: 1 } },
    `limits.${'k'.repeat(120)}…`,
    /object/,
    'a huge key',
  )
})

t.test('is not drawn into a pit', async t => {
  const chain = (depth: number) => {
    let id: object = { value: 'x' }
    for (let level = 1; level < depth; level += 1) id = { value: 'x', parent: id }
    return id
  }
  t.ok(fromJson('mesos.v1.ContainerID', chain(MAX_DEPTH)))
  t.throws(() => fromJson('mesos.v1.ContainerID', chain(MAX_DEPTH + 1)), {
    name: 'BadMessage',
    reason: /nested deeper/,
  })
  t.throws(() => parseJson('mesos.v1.ContainerID', `{"value":"x","parent":${'['.repeat(1e6)}`), BadMessage)
  t.throws(() => encode('mesos.v1.ContainerID', chain(MAX_DEPTH + 1) as { value: string }), {
    name: 'BadMessage',
    reason: /nested deeper/,
  })
  let bytes = Buffer.from([0x0a, 1, 0x78])
  for (let level = 0; level < 200; level += 1) {
    const head = bytes.length < 128 ? [0x12, bytes.length] : [0x12, (bytes.length & 127) | 128, bytes.length >> 7]
    bytes = Buffer.concat([Buffer.from(head), bytes, Buffer.from([0x0a, 1, 0x78])])
  }
  t.throws(() => decode('mesos.v1.ContainerID', bytes), { name: 'BadMessage', reason: /nested deeper/ })
  t.throws(() => decode('mesos.v1.ContainerID', Buffer.alloc(100_000, 0x4b)), BadMessage, 'endless groups')
})

t.test('keys mean nothing special', async t => {
  const text =
    '{"name":"t","task_id":{"value":"x"},"agent_id":{"value":"a"},"limits":{"__proto__":{"value":1},"constructor":{"value":2}},"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'
  const task = parseJson('mesos.v1.TaskInfo', text)
  t.strictSame(Object.keys(task), ['name', 'task_id', 'agent_id', 'limits'])
  t.equal(Object.getPrototypeOf(task), Object.prototype)
  t.strictSame(Object.entries(task.limits ?? {}), [
    ['__proto__', { value: 1 }],
    ['constructor', { value: 2 }],
  ])
  t.equal(task.limits?.toString, undefined, 'a map has only the keys it was given')
  const again = decode('mesos.v1.TaskInfo', encode('mesos.v1.TaskInfo', task))
  t.strictSame(Object.entries(again.limits ?? {}), Object.entries(task.limits ?? {}))
  t.match(stringify('mesos.v1.TaskInfo', task), /"limits":\{"__proto__":\{"value":1\},"constructor":\{"value":2\}\}/)
  t.equal(({} as { polluted?: number }).polluted, undefined)
})

t.test('writes JSON as Mesos did: unset fields left out, declared defaults filled in', async t => {
  t.strictSame(
    toJson('mesos.v1.FrameworkInfo', { user: 'u', name: 'n', roles: [] }),
    {
      user: 'u',
      name: 'n',
      failover_timeout: 0,
      checkpoint: false,
    },
    'but not `role`, which is deprecated',
  )
  t.strictSame(toJson('mesos.v1.NetworkInfo.IPAddress', { ip_address: '10.0.0.1' }), {
    ip_address: '10.0.0.1',
    protocol: 'IPv4',
  })
  t.strictSame(toJson('mesos.v1.CommandInfo', { value: 'true' }), { value: 'true', shell: true })
  t.strictSame(toJson('mesos.v1.MasterInfo', { id: 'm', ip: 1, port: 5050 }), { id: 'm', ip: 1, port: 5050 })
  t.strictSame(toJson('mesos.v1.Resource', { name: 'cpus', type: 'SCALAR', scalar: { value: 1 } }), {
    name: 'cpus',
    type: 'SCALAR',
    scalar: { value: 1 },
  })
  t.equal(stringify('mesos.v1.Value.Scalar', { value: Number.POSITIVE_INFINITY }), '{"value":"Infinity"}')
  t.equal(stringify('mesos.v1.TimeInfo', { nanoseconds: 1700000000000000000 }), '{"nanoseconds":1700000000000000000}')
  t.equal(stringify('mesos.v1.TaskID', { value: 'é😀\n' }, { ascii: true }), '{"value":"\\u00e9\\ud83d\\ude00\\n"}')
  const extra = { value: 'x', invented: 1 }
  t.equal(stringify('mesos.v1.TaskID', extra), '{"value":"x"}', 'and nothing that the protocol does not have')
})

t.test('protobuf', async t => {
  const task: TaskInfo = { name: 't', task_id: { value: 'x' }, agent_id: { value: 'a' } }
  t.test('keeps fields that it does not know, also through a spread', async t => {
    // Field 999 (varint 5) of the task, field 77 (text) of its id, and an enum number from the future.
    const id = Buffer.from([0x0a, 1, 0x78, 0xea, 4, 2, 0x68, 0x69])
    const bytes = Buffer.concat([
      encode('mesos.v1.TaskInfo', { name: 't', task_id: { value: 'y' }, agent_id: { value: 'a' } }).subarray(0, 3),
      Buffer.from([0x12, id.length]),
      id,
      Buffer.from([0x1a, 3, 0x0a, 1, 0x61]),
      Buffer.from([0xb8, 0x3e, 5]),
    ])
    const found = decode('mesos.v1.TaskInfo', bytes)
    t.strictSame(JSON.parse(JSON.stringify(found)), task)
    t.strictSame(
      Buffer.from((found as { [unknownFields]?: Uint8Array })[unknownFields] ?? []),
      Buffer.from([0xb8, 0x3e, 5]),
    )
    t.strictSame(Buffer.from(encode('mesos.v1.TaskInfo', { ...found })), bytes)
    const variable = Buffer.from([0x0a, 1, 0x41, 0x18, 99])
    const read = decode('mesos.v1.Environment.Variable', variable)
    t.equal(read.type, undefined)
    t.strictSame(Buffer.from(encode('mesos.v1.Environment.Variable', read)), variable)
  })
  t.test('refuses malformed bytes, missing fields, unknown values of required enums', async t => {
    const rows: [what: string, name: MessageName, bytes: number[], path: string, reason: RegExp][] = [
      ['nothing at all', 'mesos.v1.TaskInfo', [], 'name', /required/],
      ['an end too early', 'mesos.v1.TaskID', [0x0a, 5, 0x78], 'value', /malformed|runs over/],
      [
        'a message that runs over the one around it',
        'mesos.v1.TaskInfo',
        [0x12, 9, 0x0a, 1, 0x78],
        'task_id',
        /runs over/,
      ],
      ['a field that runs over its message', 'mesos.v1.TaskInfo', [0x12, 2, 0x0a, 1, 0x78], 'task_id', /runs over/],
      ['field number 0', 'mesos.v1.TaskID', [0x02, 0], '', /malformed/],
      ['a required enum from the future', 'mesos.v1.ContainerInfo', [0x08, 99], 'type', /not a known value/],
      ['an endless varint', 'mesos.v1.TimeInfo', Array(11).fill(0xff), '', /malformed/],
    ]
    for (const [what, name, bytes, path, reason] of rows)
      t.throws(() => decode(name, Uint8Array.from(bytes)), { name: 'BadMessage', path, reason }, what)
  })
  t.test('reads what other writers may write', async t => {
    const packed = decode('mesos.v1.HealthCheck.HTTPCheckInfo', Uint8Array.from([0x08, 80, 0x22, 3, 0xc8, 1, 1]))
    t.strictSame(packed.statuses, [200, 1], 'numbers packed')
    const twice = decode(
      'mesos.v1.TaskInfo',
      Uint8Array.from([0x0a, 1, 0x74, 0x12, 3, 0x0a, 1, 0x61, 0x12, 3, 0x0a, 1, 0x62, 0x1a, 3, 0x0a, 1, 0x63]),
    )
    t.equal(twice.task_id.value, 'b', 'the last of two')
    t.strictSame(
      encode('mesos.v1.Value.Range', { begin: 0, end: 2 ** 64 }),
      Buffer.from([8, 0, 16, ...Array(9).fill(255), 1]),
    )
  })
  t.test('refuses to write what has not its type', async t => {
    const rows: [message: object, path: string][] = [
      [{ ...task, name: 5 }, 'name'],
      [{ ...task, name: undefined }, 'name'],
      [{ ...task, task_id: { value: null } }, 'task_id.value'],
      [{ ...task, resources: [{ name: 'cpus', type: 'NOTHING' }] }, 'resources[0].type'],
      [{ ...task, resources: {} }, 'resources'],
      [{ ...task, data: '!' }, 'data'],
      [{ ...task, command: { shell: 'true' } }, 'command.shell'],
    ]
    for (const [message, path] of rows)
      t.throws(() => encode('mesos.v1.TaskInfo', message as TaskInfo), { name: 'BadMessage', path }, path)
  })
})

t.test('text that is no JSON, bytes that are no UTF-8', async t => {
  for (const source of ['', '{', 'nope', '{"a":1}x', Uint8Array.from([0x7b, 0xff, 0x7d])])
    t.throws(() => parseJson('mesos.v1.TaskID', source), { name: 'BadMessage', reason: /is not JSON/ })
  t.strictSame(parseJson('mesos.v1.TaskID', Buffer.from('{"value":"é"}')), { value: 'é' })
})
