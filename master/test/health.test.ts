import { createMemoryCoordination, type MemoryCoordination, noFaults } from '@meseta/common/coordination/memory'
import { createSimulatedNetwork, noFaults as noBusFaults } from '@meseta/common/messaging/simulated-bus'
import { systemClock } from '@meseta/common/service/clock'
import type { HealthReport } from '@meseta/common/service/health'
import { createRegistry } from '@meseta/common/service/metrics'
import { parseFlags } from '@meseta/common/service/parse-flags'
import { systemRandom } from '@meseta/common/service/random'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { component } from '../src/component.ts'
import { send } from './support/fake-scheduler.ts'
import { until } from './support/process.ts'

const failed = (error: unknown) => t.fail('a listener failed', { error })
const basics = { clock: systemClock, random: systemRandom, failed }

/** Masters on a bus and on servers whose connections the test breaks. */
class World {
  readonly network = createSimulatedNetwork({ ...basics, faults: noBusFaults })
  readonly servers = createMemoryCoordination({ ...basics, faults: noFaults })

  async master(t: Test, prepare: (coordination: MemoryCoordination) => void = () => undefined) {
    const bus = this.network.connect(systemRandom.uuid())
    const coordination = this.servers.connect()
    prepare(coordination)
    const fatal: Error[] = []
    const lines: { code?: string; msg?: string }[] = []
    const log = pino({ level: 'info' }, { write: line => lines.push(JSON.parse(line)) })
    let url = ''
    const started = component.start({
      flags: parseFlags(component.flags, { argv: ['--port=0'], env: {} }),
      clock: systemClock,
      random: systemRandom,
      log: log as never,
      metrics: createRegistry({ process: false }),
      store: coordination.store,
      election: coordination.election,
      bus,
      fatal: error => fatal.push(error),
    })
    t.teardown(async () => {
      coordination.resume()
      await (await started).stop()
    })
    url = await Promise.race([started.then(handle => handle.url), listening(lines)])
    const health = async () => {
      const { status, text } = await send(`${url}/health`, 'GET', { accept: 'application/json' })
      return { code: status, ...(JSON.parse(text) as HealthReport) }
    }
    return { url, bus, coordination, fatal, lines, health }
  }
}

/** Where a master listens that has not finished its start. */
async function listening(lines: readonly { msg?: string }[]): Promise<string> {
  const at = () =>
    lines.map(({ msg }) => /Server listening at (\S+)/.exec(msg ?? '')?.[1]).find(url => url !== undefined)
  await until(() => at() !== undefined, 'the master to listen')
  return at()!
}

const leads = async ({ url }: { url: string }) =>
  until(async () => (await send(`${url}/state`, 'GET', {})).status === 200, 'the master to lead')

const ago = (since: string | undefined) => Date.now() - Date.parse(since ?? '')

t.test('a master in health says so, and nothing to those who do not ask for JSON', async t => {
  const master = await new World().master(t)
  await leads(master)
  t.match(await master.health(), {
    status: 'ok',
    checks: { election: { status: 'ok', sentence: /leads/ }, store: { status: 'ok' }, bus: { status: 'ok' } },
  })
  t.same((await send(`${master.url}/health`, 'GET', {})).text, '', 'as the original')
  t.equal((await send(`${master.url}/health`, 'GET', {})).status, 200)
})

t.test('a leader that is cut off from the bus says that it is blind, and since when', async t => {
  const master = await new World().master(t)
  await leads(master)
  const before = Date.now()
  master.bus.down()
  const { checks, ...whole } = await master.health()
  t.match(whole, { status: 'degraded' })
  t.match(checks.bus, { status: 'degraded', waits_for: 'bus', sentence: /disconnected since .*no agent is judged/ })
  t.ok(Date.parse(checks.bus!.since!) >= before - 1 && ago(checks.bus!.since) < 60_000)
  const plain = await send(`${master.url}/health`, 'GET', {})
  t.match(plain, { status: 200, headers: { 'content-type': /json/ }, text: /disconnected since/ }, 'to anybody')
  master.bus.up()
  t.match((await master.health()).checks.bus, { status: 'ok' })
})

t.test('a leader whose echo does not return is blind, too, and its log says so', async t => {
  const master = await new World().master(t)
  await leads(master)
  await until(() => master.lines.some(({ msg }) => msg === 'leading'), 'it to lead')
  master.bus.partition()
  await until(async () => (await master.health()).status === 'degraded', 'it to notice')
  t.match((await master.health()).checks.bus, { waits_for: 'echo', since: String, sentence: /own echo/ })
  t.ok(master.lines.some(({ code }) => code === 'BLIND'))
  master.bus.heal()
  await until(async () => (await master.health()).status === 'ok', 'it to hear again')
  t.ok(master.lines.some(({ code }) => code === 'HEARS_AGAIN'))
})

t.test('a master whose store is away waits for it; one that has lost its session can do nothing', async t => {
  const world = new World()
  const leader = await world.master(t)
  await leads(leader)
  const other = await world.master(t)
  await until(async () => (await send(`${other.url}/state`, 'GET', {})).status === 307, 'the leader to be known')
  t.match((await other.health()).checks.election, { status: 'ok', sentence: /follows/ })
  for (const master of [leader, other]) {
    master.coordination.suspend()
    t.match(await master.health(), {
      status: 'degraded',
      checks: { store: { status: 'degraded', waits_for: 'store', since: String, sentence: /since/ } },
    })
    t.equal((await send(`${master.url}/health`, 'GET', {})).status, 200)
  }
  other.coordination.expire()
  other.coordination.resume()
  t.match((await other.health()).checks.store, { status: 'down', sentence: /lost/ })
  t.equal((await send(`${other.url}/health`, 'GET', {})).status, 503)
  await until(() => other.fatal.length > 0, 'it to give up')
  t.match(other.fatal, [{ message: /can not lead any longer/ }])
})

t.test('a leader whose session ends gives up, and another leads', async t => {
  const world = new World()
  const leader = await world.master(t)
  await leads(leader)
  const other = await world.master(t)
  leader.coordination.expire()
  await until(() => leader.fatal.length > 0, 'it to give up')
  t.match(leader.fatal, [{ message: /can not lead any longer/ }])
  await leads(other)
})

t.test('a master that knows no leader, or has not read its registry, is down until it is', async t => {
  const master = await new World().master(t, coordination => coordination.suspend())
  t.equal((await send(`${master.url}/health`, 'GET', {})).status, 503)
  t.match((await master.health()).checks, {
    election: { status: 'down', waits_for: 'election', since: String, sentence: /no leader is known/ },
    store: { waits_for: 'store' },
  })
  master.coordination.resume()
  await leads(master)
  t.equal((await send(`${master.url}/health`, 'GET', {})).status, 200)
})
