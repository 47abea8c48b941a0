import type { OfferOperation, Resource } from '@meseta/common/protocol/mesos'
import fc from 'fast-check'
import t from 'tap'
import { fullSlaveText } from '../src/replica/legacy-shapes.ts'
import { v1Agent } from '../src/replica/v1-shapes.ts'
import { seesAll, seesOperation, viewsBy } from '../src/replica/views.ts'
import { AclError, authorizerOf, readAcls } from '../src/security/acls.ts'
import { type Action, objectsOf } from '../src/security/actions.ts'
import { operationRefusal } from '../src/security/operations.ts'
import { runRefusal } from '../src/security/tasks.ts'
import { HeartBench } from './support/heart-bench.ts'

const allow = (json: unknown) => authorizerOf(readAcls(json))
const some = (...values: string[]) => ({ values })
const any = { type: 'ANY' }
const none = { type: 'NONE' }

t.test('the first rule that matches subject and object decides', async t => {
  const authorizer = allow({
    run_tasks: [
      { principals: some('foo'), users: some('alice') },
      { principals: some('foo', 'bar'), users: none },
      { principals: none, users: some('root') },
    ],
  })
  const cases: [string | undefined, string | undefined, boolean][] = [
    ['foo', 'alice', true],
    ['foo', 'bob', false],
    ['bar', 'alice', false],
    ['baz', 'alice', true],
    ['baz', 'root', false],
    [undefined, 'root', false],
    [undefined, 'alice', true],
    ['foo', undefined, false],
  ]
  for (const [principal, user, expected] of cases)
    t.equal(authorizer.allows(principal, 'run_tasks', user), expected, `${principal} as ${user}`)
  t.equal(authorizer.allows('foo', 'view_tasks', 'bob'), true, 'actions without a rule are permitted')
})

t.test('without permissive, what no rule names is denied', async t => {
  const authorizer = allow({
    permissive: false,
    teardown_frameworks: [{ principals: some('ops'), framework_principals: any }],
    view_roles: [{ principals: some('ops'), roles: some('a') }],
  })
  t.equal(authorizer.allows('ops', 'teardown_frameworks', 'x'), true)
  t.equal(authorizer.allows('ops', 'teardown_frameworks'), true, 'a framework without a principal')
  t.equal(authorizer.allows('other', 'teardown_frameworks', 'x'), false)
  t.equal(authorizer.allows(undefined, 'teardown_frameworks', 'x'), false)
  t.equal(authorizer.allows('ops', 'view_roles', undefined), false, 'any role is more than some')
  t.equal(authorizer.allows('ops', 'view_flags'), false)
})

t.test('a role and /% means all below it, and not itself', async t => {
  const authorizer = allow({
    permissive: false,
    register_frameworks: [{ principals: some('p'), roles: some('eng/%', 'sales') }],
  })
  const allows = (role: string) => authorizer.allows('p', 'register_frameworks', role)
  t.same(['eng/a', 'eng/a/b', 'sales'].map(allows), [true, true, true])
  t.same(['eng', 'eng/', 'engine/a', 'sales/a', '*'].map(allows), Array(5).fill(false))
})

t.test('patterns are for roles alone', async t => {
  const authorizer = allow({ permissive: false, run_tasks: [{ principals: any, users: some('a/%') }] })
  t.equal(authorizer.allows('p', 'run_tasks', 'a/b'), false)
})

t.test('who may do it to every object', async t => {
  const authorizer = allow({
    view_tasks: [
      { principals: some('half'), users: some('a') },
      { principals: some('half'), users: none },
      { principals: some('whole'), users: some('a') },
      { principals: some('whole'), users: any },
      { principals: some('nobody'), users: none },
    ],
  })
  const every = (principal?: string) => authorizer.allowsEvery(principal, 'view_tasks')
  t.same([every('half'), every('whole'), every('nobody'), every('other'), every()], [false, true, false, true, true])
})

t.test('rules that can not be meant are refused with the path of the field', async t => {
  const rule = { principals: any, users: any }
  const cases: [unknown, RegExp][] = [
    [[], /^must be a JSON object/],
    ['x', /^must be a JSON object/],
    [{ permissive: 'no' }, /^permissive: /],
    [{ run_task: [rule] }, /^run_task: is no action/],
    [{ constructor: [rule] }, /^constructor: is no action/],
    [JSON.parse('{"__proto__":[]}'), /^__proto__: is no action/],
    [{ run_tasks: rule }, /^run_tasks: must be a list/],
    [{ run_tasks: [rule, null] }, /^run_tasks\[1\]: must be an object/],
    [{ run_tasks: [{ principals: any }] }, /^run_tasks\[0\]\.users: is required/],
    [{ run_tasks: [{ principals: any, roles: any }] }, /^run_tasks\[0\]\.roles: is not known/],
    [{ run_tasks: [{ principals: some(), users: any }] }, /^run_tasks\[0\]\.principals: names nobody/],
    [{ run_tasks: [{ principals: { type: 'ALL' }, users: any }] }, /^run_tasks\[0\]\.principals\.type: /],
    [{ run_tasks: [{ principals: { value: ['a'] }, users: any }] }, /^run_tasks\[0\]\.principals\.value: is not known/],
    [
      { run_tasks: [{ principals: { values: [1] }, users: any }] },
      /^run_tasks\[0\]\.principals\.values\[0\]: must be text/,
    ],
    [{ view_roles: [{ principals: any, roles: some('/%') }] }, /^view_roles\[0\]\.roles\.values\[0\]: /],
    [{ view_roles: [{ principals: any, roles: some('a%') }] }, /^view_roles\[0\]\.roles\.values\[0\]: /],
    [{ view_flags: [{ principals: any, flags: some('zk') }] }, /^view_flags\[0\]\.flags: must be of type ANY or NONE/],
  ]
  for (const [json, message] of cases) t.throws(() => readAcls(json), { message }, JSON.stringify(json))
})

t.test('whatever is read as rules is either refused in words, or decides every question without failing', async () => {
  const entity = fc.oneof(
    fc.record({ type: fc.constantFrom('ANY', 'NONE') }),
    fc.record({ values: fc.array(fc.constantFrom('a', 'b', 'a/%', 'a/b'), { maxLength: 3 }) }),
    fc.jsonValue(),
  )
  const actions = fc.constantFrom(...(Object.keys(objectsOf) as Action[]))
  const acls = fc.dictionary(
    fc.oneof(actions, fc.string()),
    fc.oneof(
      fc.array(fc.dictionary(fc.constantFrom('principals', 'roles', 'users', 'paths', 'flags'), entity), {
        maxLength: 3,
      }),
      fc.jsonValue(),
    ),
    { maxKeys: 3 },
  )
  const name = fc.option(fc.constantFrom('a', 'b', 'a/b', 'a/b/c', '', '__proto__'), { nil: undefined })
  fc.assert(
    fc.property(acls, actions, name, name, (json, action, principal, object) => {
      try {
        const authorizer = allow(JSON.parse(JSON.stringify(json)))
        const allowed = authorizer.allows(principal, action, object)
        if (typeof allowed !== 'boolean') throw new Error('neither yes nor no')
        if (authorizer.allowsEvery(principal, action) && !allowed) throw new Error('every, and not this one')
      } catch (error) {
        if (!(error instanceof AclError)) throw error
      }
    }),
    { numRuns: 2_000 },
  )
})

const cpus = (...reservations: NonNullable<Resource['reservations']>): Resource => ({
  name: 'cpus',
  type: 'SCALAR',
  scalar: { value: 1 },
  reservations,
})
const dynamic = (role: string, principal?: string) => ({
  type: 'DYNAMIC' as const,
  role,
  ...(principal ? { principal } : {}),
})

t.test('an operation is asked for each role and principal that it touches', async t => {
  const authorizer = allow({
    permissive: false,
    reserve_resources: [{ principals: some('p'), roles: some('a/%') }],
    unreserve_resources: [{ principals: some('p'), reserver_principals: some('p') }],
    create_volumes: [{ principals: some('p'), roles: some('a') }],
    destroy_volumes: [{ principals: some('p'), creator_principals: some('p') }],
    resize_volumes: [{ principals: some('p'), roles: some('a') }],
    create_block_disks: [{ principals: some('p'), roles: some('a') }],
  })
  const refusal = (operation: OfferOperation) => operationRefusal(authorizer, 'p', operation)
  const volume = (role: string, principal?: string): Resource => ({
    ...cpus(dynamic(role)),
    name: 'disk',
    disk: { persistence: { id: 'v', ...(principal ? { principal } : {}) } },
  })
  const cases: [OfferOperation, boolean][] = [
    [{ type: 'RESERVE', reserve: { resources: [cpus(dynamic('a'), dynamic('a/b'))] } }, true],
    [{ type: 'RESERVE', reserve: { resources: [cpus(dynamic('a/b')), cpus(dynamic('b'))] } }, false],
    [{ type: 'UNRESERVE', unreserve: { resources: [cpus(dynamic('b', 'p'))] } }, true],
    [{ type: 'UNRESERVE', unreserve: { resources: [cpus(dynamic('b', 'q'))] } }, false],
    [{ type: 'UNRESERVE', unreserve: { resources: [cpus(dynamic('b'))] } }, false],
    [{ type: 'CREATE', create: { volumes: [volume('a')] } }, true],
    [{ type: 'CREATE', create: { volumes: [volume('a/b')] } }, false],
    [{ type: 'DESTROY', destroy: { volumes: [volume('b', 'p')] } }, true],
    [{ type: 'DESTROY', destroy: { volumes: [volume('b', 'p'), volume('b', 'q')] } }, false],
    [{ type: 'GROW_VOLUME', grow_volume: { volume: volume('a'), addition: cpus() } }, true],
    [{ type: 'SHRINK_VOLUME', shrink_volume: { volume: volume('b'), subtract: { value: 1 } } }, false],
    [{ type: 'CREATE_DISK', create_disk: { source: volume('a'), target_type: 'BLOCK' } }, true],
    [{ type: 'CREATE_DISK', create_disk: { source: volume('a'), target_type: 'MOUNT' } }, false],
    [{ type: 'DESTROY_DISK', destroy_disk: { source: volume('a') } }, false],
  ]
  for (const [operation, allowed] of cases)
    t.equal(refusal(operation) === undefined, allowed, JSON.stringify(operation))
  t.match(refusal(cases[1]![0]), /principal 'p' may not reserve_resources of 'b'/)
})

t.test('to reserve anew is to take off each reservation that goes and to put on each that comes', async t => {
  const authorizer = allow({
    permissive: false,
    reserve_resources: [{ principals: some('p'), roles: some('a/x') }],
    unreserve_resources: [{ principals: some('p'), reserver_principals: some('p') }],
  })
  const refusal = (from: Resource, to: Resource) =>
    operationRefusal(authorizer, 'p', { type: 'RESERVE', reserve: { source: [from], resources: [to] } })
  const base = dynamic('a', 'other')
  t.equal(refusal(cpus(base, dynamic('a/b', 'p')), cpus(base, dynamic('a/x', 'p'))), undefined)
  t.match(refusal(cpus(base), cpus(dynamic('a/x', 'p'))), /unreserve_resources of 'other'/)
  t.match(refusal(cpus(base, dynamic('a/b', 'p')), cpus(base, dynamic('a/y', 'p'))), /reserve_resources of 'a\/y'/)
})

t.test('a task is asked for every user that something of it runs as', async t => {
  const authorizer = allow({
    run_tasks: [
      { principals: any, users: some('alice') },
      { principals: any, users: none },
    ],
  })
  const framework = { name: 'f', user: 'root', principal: 'p' }
  const task = { name: 't', task_id: { value: 't' }, agent_id: { value: 'a' } }
  const alice = { user: 'alice' }
  const root = { user: 'root' }
  const executor = (command: object) => ({ executor_id: { value: 'e' }, command })
  t.equal(runRefusal(authorizer, framework, { ...task, command: alice }), undefined)
  t.match(runRefusal(authorizer, framework, { ...task, command: {} }), /may not run_tasks of 'root'/)
  for (const extra of [
    { executor: executor(root) },
    { check: { command: { command: root } } },
    { health_check: { command: root } },
  ])
    t.match(runRefusal(authorizer, framework, { ...task, command: alice, ...extra }), /'root'/, JSON.stringify(extra))
  t.match(runRefusal(authorizer, framework, { ...task, command: alice }, executor(root)), /'root'/)
  const custom = { ...executor({ value: 'x' }), type: 'CUSTOM' as const }
  t.match(runRefusal(authorizer, framework, { ...task, command: alice }, custom), /'root'/, "an executor's own command")
  const long = runRefusal(authorizer, framework, { ...task, command: { user: 'x'.repeat(1_000_000) } })
  t.ok(long !== undefined && long.length < 2_000, 'what is repeated of a name is bounded')
})

t.test('a viewer sees what its rules let it see', async t => {
  const only = (...values: string[]) => [
    { principals: some('v'), users: some(...values) },
    { principals: some('v'), users: none },
  ]
  const viewsOf = viewsBy(
    readAcls({
      view_frameworks: only('alice'),
      view_tasks: only('bob'),
      view_executors: only('carol'),
      view_roles: [
        { principals: some('v'), roles: some('a/%') },
        { principals: some('v'), roles: none },
      ],
      get_quotas: [{ principals: some('v'), roles: none }],
      view_flags: [{ principals: some('v'), flags: none }],
    }),
  )
  const framework = (user: string) => ({ name: 'f', user })
  const executor = (user?: string) => ({ executor_id: { value: 'e' }, ...(user ? { command: { user } } : {}) })
  const seen = (viewer: string | undefined) => {
    const views = viewsOf(viewer)
    return [
      [views.framework(framework('alice')), views.framework(framework('bob'))],
      [
        views.task({}, framework('bob')),
        views.task({ user: 'bob' }, framework('alice')),
        views.task({}, framework('x')),
      ],
      [views.executor(executor(), framework('carol')), views.executor(executor('dave'), framework('carol'))],
      [views.role('a/b'), views.role('a'), views.quota('a/b'), views.flags()],
    ]
  }
  t.same(seen('v'), [
    [true, false],
    [true, true, false],
    [true, false],
    [true, false, false, false],
  ])
  for (const other of ['w', undefined]) t.same(seen(other).flat().includes(false), false)
})

t.test('reservations of hidden roles are left out of agents and operations', async t => {
  const views = viewsBy(
    readAcls({
      view_roles: [
        { principals: any, roles: some('open') },
        { principals: any, roles: none },
      ],
    }),
  )('v')
  const bench = new HeartBench()
  const id = bench.agent('l1', { resources: 'cpus:1;cpus(open):2;cpus(hidden):4' })
  const row = bench.tables.agents.get(id)!
  const cpusOf = (list: readonly Resource[] | undefined) => (list ?? []).map(({ scalar }) => scalar?.value)
  const all = v1Agent(row, seesAll)
  t.same(cpusOf(all.total_resources).sort(), [1, 2, 4])
  const shown = v1Agent(row, views)
  t.same(cpusOf(shown.total_resources).sort(), [1, 2])
  t.same(cpusOf(shown.agent_info.resources).sort(), [1, 2])
  t.notMatch(JSON.stringify(shown) + fullSlaveText(row, views), /hidden/)
  const reserved = cpus(dynamic('hidden'))
  for (const operation of [
    { reserve: { resources: [reserved] } },
    { reserve: { source: [cpus(dynamic('open')), reserved] } },
    { unreserve: { resources: [cpus(dynamic('hidden'), dynamic('open'))] } },
    { destroy: { volumes: [reserved] } },
    { grow_volume: { volume: reserved, addition: cpus() } },
    { create_disk: { source: reserved, target_type: 'MOUNT' } },
  ] as OfferOperation[])
    t.equal(seesOperation(views, operation), false, JSON.stringify(operation))
  t.equal(seesOperation(views, { reserve: { resources: [cpus(dynamic('open'))] } }), true)
})
