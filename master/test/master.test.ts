import { createMemoryCoordination, noFaults } from '@meseta/common/coordination/memory'
import { createEmbeddedBus } from '@meseta/common/messaging/open'
import { systemClock } from '@meseta/common/service/clock'
import { systemRandom } from '@meseta/common/service/random'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { Master, type MasterOptions } from '../src/master.ts'
import { heartDefaults } from '../src/state/config.ts'
import { FakeAgent } from './support/fake-agent.ts'

const masterInfo = { id: 'M', ip: 0, port: 5050, pid: 'master@127.0.0.1:5050', hostname: '127.0.0.1' }
const failed = (error: unknown) => t.fail('a listener failed', { error })

/** A master with a store and a bus of its own. Answers the error that it ends with. */
async function ending(t: Test, more: (options: MasterOptions) => Partial<MasterOptions>): Promise<Error> {
  const bus = createEmbeddedBus({ failed })
  const { store } = createMemoryCoordination({
    clock: systemClock,
    random: systemRandom,
    failed,
    faults: noFaults,
  }).connect()
  let end: (error: Error) => void
  const ended = new Promise<Error>(resolve => {
    end = resolve
  })
  const options: MasterOptions = {
    config: { ...heartDefaults, masterInfo },
    cluster: 'meseta',
    store,
    bus,
    clock: systemClock,
    random: systemRandom,
    log: pino({ level: 'silent' }),
    probe: async () => true,
    fatal: error => end(error),
    recovered: () => undefined,
    changed: () => undefined,
  }
  const master = new Master({ ...options, ...more(options) })
  t.teardown(async () => {
    await master.stop()
    await bus.close()
  })
  await Promise.race([master.lead(), ended])
  const agent = new FakeAgent({ bus, link: 'agent-1' })
  t.teardown(() => agent.stop())
  return ended
}

t.test('a registry write that takes too long ends the leadership', async t => {
  const stuck = ({ store }: MasterOptions) => ({
    registryTimeouts: { fetch: 60_000, store: 50 },
    store: new Proxy(store, {
      get(target, name) {
        const value = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return (path: string, ...rest: unknown[]) =>
          name === 'create' && /registry\/\d/.test(path)
            ? new Promise(() => undefined)
            : value.call(target, path, ...rest)
      },
    }),
  })
  t.match(await ending(t, stuck), { message: /longer than 0.05 s/ })
})

t.test('a registry that takes too long to read ends the leadership', async t => {
  const stuck = ({ store }: MasterOptions) => ({
    registryTimeouts: { fetch: 50, store: 20_000 },
    store: new Proxy(store, {
      get(target, name) {
        const value = Reflect.get(target, name)
        if (name === 'list') return () => new Promise(() => undefined)
        return typeof value === 'function' ? value.bind(target) : value
      },
    }),
  })
  await t.rejects(ending(t, stuck), /reading the registry took longer than 0.05 s \(--registry_fetch_timeout\)/)
})

t.test('when a step can not be carried out whole the master ends, and does not go on with half of it', async t => {
  const broken = () => ({
    changed: () => {
      throw new Error('no reader')
    },
  })
  t.match(await ending(t, broken), { message: 'the master failed: no reader' })
})

t.test(
  'while readers are too far behind no step is taken, and what came meanwhile is done in its order after it',
  async t => {
    const bus = createEmbeddedBus({ failed })
    const { store } = createMemoryCoordination({
      clock: systemClock,
      random: systemRandom,
      failed,
      faults: noFaults,
    }).connect()
    let mayGoOn = true
    const master = new Master({
      config: { ...heartDefaults, masterInfo },
      cluster: 'meseta',
      store,
      bus,
      clock: systemClock,
      random: systemRandom,
      log: pino({ level: 'silent' }),
      probe: async () => true,
      fatal: failed,
      recovered: () => undefined,
      changed: () => undefined,
      mayGoOn: () => mayGoOn,
    })
    t.teardown(async () => {
      await master.stop()
      await bus.close()
    })
    await master.lead()
    const answers: string[] = []
    const teardown = (id: string) =>
      master.operate({ type: 'TEARDOWN', teardown: { framework_id: { value: id } } }, undefined, status =>
        answers.push(`${id} ${status}`),
      )
    mayGoOn = false
    teardown('one')
    teardown('other')
    t.same(answers, [])
    mayGoOn = true
    master.goOn()
    t.same(answers, ['one 400', 'other 400'])
  },
)

t.test('the log says which operator asked for what, and what was answered', async t => {
  const lines: object[] = []
  const bus = createEmbeddedBus({ failed })
  const { store } = createMemoryCoordination({
    clock: systemClock,
    random: systemRandom,
    failed,
    faults: noFaults,
  }).connect()
  const master = new Master({
    config: { ...heartDefaults, masterInfo },
    cluster: 'meseta',
    store,
    bus,
    clock: systemClock,
    random: systemRandom,
    log: pino({ level: 'info' }, { write: line => lines.push(JSON.parse(line)) }),
    probe: async () => true,
    fatal: failed,
    recovered: () => undefined,
    changed: () => undefined,
  })
  t.teardown(async () => {
    await master.stop()
    await bus.close()
  })
  await master.lead()
  const drain = { type: 'DRAIN_AGENT', drain_agent: { agent_id: { value: 'S0' } } } as const
  master.operate(drain, 'ops', () => undefined)
  t.match(lines.at(-1), {
    msg: 'operator call',
    call: 'DRAIN_AGENT',
    principal: 'ops',
    agent_id: 'S0',
    status: 400,
    refusal: 'There is no agent S0',
  })
})
