import type { Clock } from '@meseta/common/service/clock'
import pino from 'pino'
import t from 'tap'
import { Agent } from 'undici'
import { Marathon } from '../src/services/marathon.ts'
import { Peer } from '../src/services/peer.ts'
import { SdkUninstaller } from '../src/services/sdk-uninstall.ts'
import { FakeMarathon, Scripted, sendJson } from './cluster.ts'

/** Time that stands still until it is told to fire what waits. */
class StillClock implements Clock {
  readonly waiting: { delay: number; action: () => void }[] = []
  now = () => 0
  monotonic = () => 0
  after(delay: number, action: () => void) {
    const entry = { delay, action }
    this.waiting.push(entry)
    return {
      cancel: () => {
        const index = this.waiting.indexOf(entry)
        if (index >= 0) this.waiting.splice(index, 1)
      },
    }
  }
  every = () => ({ cancel: () => undefined })
}

t.test('the app is deleted once its cleaning is done, and never one that was installed meanwhile', async t => {
  const marathon = new FakeMarathon()
  let plan = 503
  let ids = ['F1']
  const router = new Scripted((seen, response) =>
    seen.url.endsWith('/plans/deploy') ? sendJson(response, plan, {}) : sendJson(response, 200, ids),
  )
  const agent = new Agent()
  t.teardown(() => agent.destroy())
  const clock = new StillClock()
  const client = new Marathon(new Peer('marathon', [await marathon.listen(t)], agent))
  const sdk = new SdkUninstaller({
    marathon: client,
    router: new Peer('router', [await router.listen(t)], agent),
    clock,
    log: pino({ level: 'silent' }),
  })
  t.teardown(() => sdk.stop())
  const app = { id: '/g/sdk', labels: { DCOS_COMMONS_UNINSTALL: '1' }, uris: ['u'], version: 'v', env: { A: 'b' } }

  /** Fires the next round and waits until it is over: it has asked for another, or the app's deletion was seen. */
  const round = async (isOver: () => boolean) => {
    const next = clock.waiting.shift()!
    t.equal(next.delay, 10_000)
    next.action()
    const deadline = Date.now() + 5_000
    while (!isOver() && Date.now() < deadline) await new Promise(resolve => setImmediate(resolve))
  }
  const waits = () => clock.waiting.length === 1

  marathon.put(app)
  await sdk.start(app, undefined)
  t.same(marathon.apps.get('/g/sdk')?.env, { A: 'b', SDK_UNINSTALL: 'true' })
  t.notOk('uris' in marathon.apps.get('/g/sdk')! || 'version' in marathon.apps.get('/g/sdk')!)
  marathon.failing = { matches: 'GET /v2/deployments', status: 200, body: [{ id: 'deployment-1' }] }
  await round(waits)
  t.notOk(
    router.seen.some(seen => seen.url.endsWith('/plans/deploy')),
    'the scheduler that cleans up is not there yet',
  )
  await round(waits)
  t.ok(marathon.apps.has('/g/sdk'), 'the plan is not done')
  t.equal(router.seen.at(-1)?.url, '/service/g/sdk/v1/plans/deploy')
  plan = 200
  ids = ['F2']
  await round(waits)
  t.ok(marathon.apps.has('/g/sdk'), 'its frameworks are not the ones it began with')
  ids = ['F1']
  await round(() => !marathon.apps.has('/g/sdk'))
  t.notOk(marathon.apps.has('/g/sdk'), 'done')

  marathon.put(app)
  await sdk.start(app, undefined)
  marathon.put({ id: '/g/sdk', labels: {}, env: {} })
  const asked = marathon.seen.length
  await round(() => marathon.seen.length >= asked + 2)
  t.equal(clock.waiting.length, 0)
  // What begins later ends later: by then the first would be gone.
  marathon.put({ ...app, id: '/g/other' })
  await sdk.start({ ...app, id: '/g/other' }, undefined)
  await round(() => !marathon.apps.has('/g/other'))
  t.strictSame([...marathon.apps.keys()], ['/g/sdk'], 'another app took the id: it is left alone')
})
