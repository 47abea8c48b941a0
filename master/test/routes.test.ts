import t from 'tap'
import { send } from './support/fake-scheduler.ts'
import { Ground } from './support/process.ts'

const ground = new Ground()
t.teardown(() => ground.close())
const url = await ground.leader()

/** Every path of the contract (Mesos contract 3, 4), a method, and what a leader answers to it without a body. */
const contract: readonly [path: string, method: string, status: number][] = [
  ['/state', 'GET', 200],
  ['/state-summary', 'GET', 200],
  ['/slaves', 'GET', 200],
  ['/slaves', 'POST', 200],
  ['/frameworks', 'GET', 200],
  ['/tasks', 'GET', 200],
  ['/tasks', 'POST', 200],
  ['/roles', 'GET', 200],
  ['/weights', 'GET', 200],
  ['/weights', 'PUT', 400],
  ['/quota', 'GET', 200],
  ['/quota', 'POST', 400],
  ['/quota/role', 'DELETE', 400],
  ['/reserve', 'POST', 400],
  ['/unreserve', 'POST', 400],
  ['/create-volumes', 'POST', 400],
  ['/destroy-volumes', 'POST', 400],
  ['/teardown', 'POST', 400],
  ['/maintenance/schedule', 'GET', 200],
  ['/maintenance/schedule', 'POST', 400],
  ['/maintenance/status', 'GET', 200],
  ['/maintenance/status', 'POST', 405],
  ['/machine/down', 'POST', 400],
  ['/machine/up', 'POST', 400],
  ['/health', 'GET', 200],
  ['/version', 'GET', 200],
  ['/flags', 'GET', 200],
  ['/flags', 'POST', 405],
  ['/metrics/snapshot', 'GET', 200],
  ['/logging/toggle', 'GET', 200],
  ['/files/browse', 'GET', 400],
  ['/files/read', 'GET', 400],
  ['/files/download', 'GET', 400],
  ['/files/debug', 'GET', 200],
  ['/explain/offers', 'GET', 400],
  ['/api/v1', 'POST', 400],
  ['/api/v1/explain', 'POST', 400],
  ['/api/v1/scheduler', 'POST', 400],
]

t.test('every route answers with and without /master, with .json, a slash, or more behind it', async t => {
  for (const [path, method, status] of contract)
    for (const form of [path, `/master${path}`, `${path}.json`, `/master${path}.json`, `${path}/`, `${path}/more`])
      t.equal((await send(`${url}${form}`, method, {})).status, status, `${method} ${form}`)
})

t.test('the page stands at / and /master, with a slash or without', async t => {
  for (const path of ['/', '/master', '/master/'])
    t.match(await send(`${url}${path}`, 'GET', {}), { status: 200, headers: { 'content-type': /^text\/html/ } }, path)
})

t.test('/redirect leads to the leader, and has nothing below it', async t => {
  for (const path of ['/redirect', '/master/redirect', '/redirect/']) {
    const answer = await send(`${url}${path}`, 'GET', {})
    t.match(answer, { status: 307, headers: { location: `//${url.slice('http://'.length)}` } }, path)
  }
  t.equal((await send(`${url}/redirect/x`, 'GET', {})).status, 404)
})

t.test('what is no route is not found', async t => {
  for (const path of ['/stateful', '/master/nonsense', '/master/master/state', '/metrics/other', '/masters', '//'])
    t.equal((await send(`${url}${path}`, 'GET', {})).status, 404, path)
})
