import type { MasterCall } from '@meseta/common/protocol/mesos'
import t from 'tap'
import { callOfForm } from '../src/api/legacy-forms.ts'
import { FakeScheduler, send } from './support/fake-scheduler.ts'
import { Ground } from './support/process.ts'

const ground = new Ground()
t.teardown(() => ground.close())
const url = await ground.leader()

const form = (fields: Record<string, unknown>) =>
  new URLSearchParams(
    Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  ).toString()

const cpus = { name: 'cpus', type: 'SCALAR' as const, scalar: { value: 1 }, role: 'a', reservation: { principal: 'p' } }
const volume = {
  name: 'disk',
  type: 'SCALAR' as const,
  scalar: { value: 64 },
  role: 'a',
  disk: { persistence: { id: 'v' }, volume: { mode: 'RW' as const, container_path: 'data' } },
}
const machine = { hostname: 'h', ip: '10.0.0.1' }
const schedule = {
  windows: [{ machine_ids: [machine], unavailability: { start: { nanoseconds: 5 }, duration: { nanoseconds: 7 } } }],
}
const agent_id = { value: 'S1' }

t.test('each form is the call of the v1 API that it means', async t => {
  const meant: [method: string, path: string, body: string, call: MasterCall][] = [
    [
      'POST',
      '/reserve',
      form({ slaveId: 'S1', resources: [cpus] }),
      { type: 'RESERVE_RESOURCES', reserve_resources: { agent_id, resources: [cpus] } },
    ],
    [
      'POST',
      '/unreserve',
      form({ resources: [cpus], slaveId: 'S1', other: 'x' }),
      { type: 'UNRESERVE_RESOURCES', unreserve_resources: { agent_id, resources: [cpus] } },
    ],
    [
      'POST',
      '/create-volumes',
      form({ slaveId: 'S1', volumes: [volume] }),
      { type: 'CREATE_VOLUMES', create_volumes: { agent_id, volumes: [volume] } },
    ],
    [
      'POST',
      '/destroy-volumes',
      form({ slaveId: 'S1', volumes: [volume] }),
      { type: 'DESTROY_VOLUMES', destroy_volumes: { agent_id, volumes: [volume] } },
    ],
    [
      'PUT',
      '/weights',
      '[{"role":"a","weight":"2.5"},{"role":"b","weight":1,"unknown":1}]',
      {
        type: 'UPDATE_WEIGHTS',
        update_weights: {
          weight_infos: [
            { role: 'a', weight: 2.5 },
            { role: 'b', weight: 1 },
          ],
        },
      },
    ],
    [
      'POST',
      '/quota',
      '{"role":"a","force":true,"guarantee":[{"name":"cpus","type":"SCALAR","scalar":{"value":4}}]}',
      {
        type: 'SET_QUOTA',
        set_quota: {
          quota_request: {
            role: 'a',
            force: true,
            guarantee: [{ name: 'cpus', type: 'SCALAR', scalar: { value: 4 } }],
          },
        },
      },
    ],
    ['DELETE', '/quota/a', '', { type: 'REMOVE_QUOTA', remove_quota: { role: 'a' } }],
    ['DELETE', '/master/quota/a%20b/', '', { type: 'REMOVE_QUOTA', remove_quota: { role: 'a b' } }],
    ['DELETE', '/quota/a/b', '', { type: 'REMOVE_QUOTA', remove_quota: { role: 'a/b' } }],
    [
      'POST',
      '/maintenance/schedule',
      JSON.stringify(schedule),
      { type: 'UPDATE_MAINTENANCE_SCHEDULE', update_maintenance_schedule: { schedule } },
    ],
    [
      'POST',
      '/maintenance/schedule',
      '{}',
      { type: 'UPDATE_MAINTENANCE_SCHEDULE', update_maintenance_schedule: { schedule: {} } },
    ],
    [
      'POST',
      '/machine/down',
      JSON.stringify([machine]),
      { type: 'START_MAINTENANCE', start_maintenance: { machines: [machine] } },
    ],
    [
      'POST',
      '/machine/up',
      '[{"hostname":"h","ip":null}]',
      { type: 'STOP_MAINTENANCE', stop_maintenance: { machines: [{ hostname: 'h' }] } },
    ],
    ['POST', '/teardown', 'frameworkId=a-0000', { type: 'TEARDOWN', teardown: { framework_id: { value: 'a-0000' } } }],
  ]
  for (const [method, path, body, call] of meant) {
    const route = path.replace(/^\/master/, '').replace(/^(\/quota)\/.*/, '$1')
    const request = { method, path, query: '', headers: {}, body: Buffer.from(body) }
    t.same(callOfForm(route, request), call, `${method} ${path}`)
  }
})

t.test('what a form lacks, or has in another shape, is a 400 that names it', async t => {
  const wrong: [method: string, path: string, body: string, reason: RegExp][] = [
    ['POST', '/reserve', '', /Missing 'slaveId'/],
    ['POST', '/reserve', 'slaveId=S1', /Missing 'resources'/],
    ['POST', '/create-volumes', 'slaveId=S1&resources=[]', /Missing 'volumes'/],
    ['POST', '/reserve', 'slaveId=S1&resources=nonsense', /'resources'.*not valid JSON/],
    ['POST', '/reserve', 'slaveId=S1&resources={}', /'resources'.*no JSON array/],
    ['POST', '/unreserve', 'slaveId=S1&resources=[{}]', /resources\[0\]\.name/],
    ['POST', '/reserve', 'slaveId=S1&resources=[{"name":"cpus","type":"LENGTH"}]', /resources\[0\]\.type/],
    ['PUT', '/weights', '', /the body/],
    ['PUT', '/weights', '{"role":"a"}', /no JSON array/],
    ['PUT', '/weights', '[{"role":"a"}]', /weight_infos\[0\]\.weight/],
    ['PUT', '/weights', '[{"role":"a","weight":"heavy"}]', /weight_infos\[0\]\.weight/],
    ['POST', '/quota', 'null', /holds no object/],
    ['POST', '/quota', '{"guarantee":7}', /guarantee/],
    ['DELETE', '/quota', '', /\/quota\/\{role\}/],
    ['POST', '/maintenance/schedule', '{', /not valid JSON/],
    ['POST', '/maintenance/schedule', '{"windows":[{}]}', /windows\[0\]\.unavailability/],
    ['POST', '/machine/down', '"h"', /no object/],
    ['POST', '/machine/up', '{"hostname":"h"}', /no JSON array/],
    ['POST', '/teardown', 'framework=x', /Missing 'frameworkId'/],
    ['POST', '/teardown', 'frameworkId=unknown', /Framework cannot be found/],
  ]
  for (const [method, path, body, text] of wrong)
    t.match(await send(`${url}${path}`, method, {}, body), { status: 400, text }, `${method} ${path} ${body}`)
})

t.test('a role in the path that is no percent-encoded text', async t => {
  const request = { method: 'DELETE', path: '/quota/%ff', query: '', headers: {}, body: Buffer.alloc(0) }
  t.throws(() => callOfForm('/quota', request), { status: 400, message: /percent-encoded/ })
})

t.test('another method is a 405 that names the ones there are', async t => {
  for (const [method, path, allow] of [
    ['GET', '/reserve', 'POST'],
    ['PUT', '/unreserve', 'POST'],
    ['GET', '/create-volumes', 'POST'],
    ['DELETE', '/destroy-volumes', 'POST'],
    ['POST', '/weights', 'GET, PUT'],
    ['PUT', '/quota', 'GET, POST, DELETE'],
    ['PUT', '/maintenance/schedule', 'GET, POST'],
    ['POST', '/maintenance/status', 'GET'],
    ['GET', '/machine/down', 'POST'],
    ['GET', '/master/machine/up', 'POST'],
    ['GET', '/teardown', 'POST'],
  ] as const)
    t.match(await send(`${url}${path}`, method, {}), { status: 405, headers: { allow } }, `${method} ${path}`)
})

t.test('the heart answers, as it does the call', async t => {
  const framework = await new FakeScheduler(url).subscribe()
  const answer = await send(`${url}/master/teardown`, 'POST', {}, `frameworkId=${framework.id}`)
  t.match(answer, { status: 200, text: '' })
  await framework.isClosed()
})
