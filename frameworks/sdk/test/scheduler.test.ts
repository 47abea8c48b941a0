import type { SchedulerEvent } from '@meseta/common/protocol/mesos'
import t from 'tap'
import { CallError, createScheduler, type SchedulerOptions } from '../src/framework.ts'
import { ScriptedMaster } from '../src/testing/scripted-master.ts'

type Told =
  | { kind: 'subscribed'; id: string; again: boolean }
  | { kind: 'event'; event: SchedulerEvent }
  | { kind: 'disconnected'; reason: string }
  | { kind: 'ended'; reason: string }

/** What a scheduler tells, to be waited for. */
class Ear {
  readonly told: Told[] = []
  #waiting: (() => void)[] = []

  readonly events: SchedulerOptions['events'] = {
    subscribed: ({ frameworkId, again }) => this.#hear({ kind: 'subscribed', id: frameworkId, again }),
    event: event => this.#hear({ kind: 'event', event }),
    disconnected: reason => this.#hear({ kind: 'disconnected', reason }),
    ended: reason => this.#hear({ kind: 'ended', reason }),
  }

  #hear(told: Told): void {
    this.told.push(told)
    for (const wake of this.#waiting.splice(0)) wake()
  }

  count(kind: Told['kind']): number {
    return this.told.filter(one => one.kind === kind).length
  }

  /** What the master has is not told: it is looked at after each turn of the event loop. */
  async poll(what: () => boolean): Promise<void> {
    while (!what()) await new Promise(resolve => setImmediate(resolve))
  }

  async until(what: () => boolean): Promise<void> {
    while (!what()) await new Promise<void>(resolve => this.#waiting.push(resolve))
  }
}

const framework = { name: 'test', user: 'nobody', roles: ['*'], capabilities: [{ type: 'MULTI_ROLE' as const }] }

for (const [codec, callStream] of [
  ['json', 'taken'],
  ['protobuf', 'taken'],
  ['protobuf', 'refused'],
] as const)
  t.test(
    `${codec}, calls on a stream ${callStream}: subscribes, hears events in order, and calls carry the framework and the stream`,
    async t => {
      const master = await ScriptedMaster.start({ callStream })
      t.teardown(() => master.stop())
      const ear = new Ear()
      const scheduler = createScheduler({ master: master.url, framework, codec, events: ear.events })
      t.teardown(() => scheduler.stop())
      await ear.until(() => ear.count('subscribed') === 1)
      t.match(ear.told[0], { kind: 'subscribed', again: false })
      for (let n = 0; n < 50; n += 1) master.send({ type: 'RESCIND', rescind: { offer_id: { value: `O${n}` } } })
      await ear.until(() => ear.count('event') === 50)
      const ids = ear.told.flatMap(one => (one.kind === 'event' ? (one.event.rescind?.offer_id.value ?? '') : []))
      t.same(
        ids,
        Array.from({ length: 50 }, (_, n) => `O${n}`),
      )
      await Promise.all(
        Array.from({ length: 200 }, (_, n) =>
          scheduler.call({ type: 'DECLINE', decline: { offer_ids: [{ value: `O${n}` }] } }),
        ),
      )
      await ear.poll(() => master.calls.filter(call => call.type === 'DECLINE').length === 200)
      const declined = master.calls.filter(call => call.type === 'DECLINE')
      t.same(
        declined.map(call => call.decline?.offer_ids?.[0]?.value),
        Array.from({ length: 200 }, (_, n) => `O${n}`),
        'in order',
      )
      t.ok(declined.every(call => call.framework_id?.value === scheduler.frameworkId))
    },
  )

t.test('follows a redirect to the leader, also one without a scheme', async t => {
  const leader = await ScriptedMaster.start()
  const other = await ScriptedMaster.start({ redirect: () => leader.url })
  t.teardown(() => Promise.all([leader.stop(), other.stop()]))
  const ear = new Ear()
  const scheduler = createScheduler({ master: other.url, framework, events: ear.events })
  t.teardown(() => scheduler.stop())
  await ear.until(() => ear.count('subscribed') === 1)
  t.ok(leader.connected)
  t.notOk(other.connected)
})

t.test('after a loss it subscribes again with its id, at another master where the first is gone', async t => {
  const first = await ScriptedMaster.start()
  const second = await ScriptedMaster.start()
  t.teardown(() => second.stop())
  const ear = new Ear()
  const scheduler = createScheduler({ master: `${first.url},${second.url}`, framework, events: ear.events })
  t.teardown(() => scheduler.stop())
  await ear.until(() => ear.count('subscribed') === 1)
  first.disconnect()
  await ear.until(() => ear.count('subscribed') === 2)
  t.equal(ear.count('disconnected'), 1)
  await Promise.all([first.stop(), second.disconnect()])
  await ear.until(() => ear.count('subscribed') >= 3 && scheduler.connected)
  const ids = new Set(ear.told.flatMap(one => (one.kind === 'subscribed' ? [one.id] : [])))
  t.equal(ids.size, 1, 'one framework id through all of it')
  t.ok(
    ear.told
      .filter(one => one.kind === 'subscribed')
      .slice(1)
      .every(one => one.kind === 'subscribed' && one.again),
  )
})

t.test('a refused call names what the master said; without a session none is sent', async t => {
  const master = await ScriptedMaster.start({
    callStream: 'refused',
    call: (_master, call) => (call.type === 'REVIVE' ? 400 : undefined),
  })
  t.teardown(() => master.stop())
  const ear = new Ear()
  const scheduler = createScheduler({ master: master.url, framework, events: ear.events })
  t.teardown(() => scheduler.stop())
  await t.rejects(scheduler.call({ type: 'SUPPRESS' }), CallError)
  await ear.until(() => ear.count('subscribed') === 1)
  await t.rejects(scheduler.call({ type: 'REVIVE' }), /400/)
  await scheduler.call({ type: 'SUPPRESS' })
  t.ok(scheduler.connected, 'a refused call does not end the session')
})

t.test('calls under way when the session breaks fail, and are not sent a second time', async t => {
  const master: ScriptedMaster = await ScriptedMaster.start({
    callStream: 'refused',
    call: (self, call) => {
      if (call.type === 'KILL') self.disconnect()
      return undefined
    },
  })
  t.teardown(() => master.stop())
  const ear = new Ear()
  const scheduler = createScheduler({ master: master.url, framework, events: ear.events })
  t.teardown(() => scheduler.stop())
  await ear.until(() => ear.count('subscribed') === 1)
  const calls = [
    scheduler.call({ type: 'KILL', kill: { task_id: { value: 'T' } } }),
    ...Array.from({ length: 10 }, () => scheduler.call({ type: 'REVIVE' })),
  ]
  await Promise.allSettled(calls)
  await ear.until(() => ear.count('subscribed') === 2)
  t.equal(master.calls.filter(call => call.type === 'KILL').length, 1)
})

t.test('what a master refuses on the stream of calls is told by a callback', async t => {
  const master = await ScriptedMaster.start({ call: (_master, call) => (call.type === 'REVIVE' ? 400 : undefined) })
  t.teardown(() => master.stop())
  const ear = new Ear()
  const refused = Promise.withResolvers<CallError>()
  const scheduler = createScheduler({
    master: master.url,
    framework,
    events: { ...ear.events, callRefused: refused.resolve },
  })
  t.teardown(() => scheduler.stop())
  await ear.until(() => ear.count('subscribed') === 1)
  await scheduler.call({ type: 'SUPPRESS' })
  await scheduler.call({ type: 'REVIVE' })
  t.match(await refused.promise, { status: 400, message: /REVIVE/ })
})

t.test('a silent master is lost after five heartbeats', async t => {
  const master = await ScriptedMaster.start({ heartbeatSeconds: 600 })
  t.teardown(() => master.stop())
  const ear = new Ear()
  let monotonic = 0
  const beats: (() => void)[] = []
  const clock = {
    now: () => 0,
    monotonic: () => monotonic,
    after: (delay: number, action: () => void) => {
      const handle = setTimeout(action, Math.min(delay, 5))
      return { cancel: () => clearTimeout(handle) }
    },
    every: (_interval: number, action: () => void) => {
      beats.push(action)
      return { cancel: () => beats.splice(beats.indexOf(action), 1) }
    },
  }
  const scheduler = createScheduler({ master: master.url, framework, clock, events: ear.events })
  t.teardown(() => scheduler.stop())
  await ear.until(() => ear.count('subscribed') === 1)
  monotonic = 600_000 * 4
  for (const beat of [...beats]) beat()
  t.equal(ear.count('disconnected'), 0)
  monotonic = 600_000 * 5 + 1
  for (const beat of [...beats]) beat()
  t.equal(ear.count('disconnected'), 1)
})

t.test('refusals that are final end it', async t => {
  const master = await ScriptedMaster.start({
    subscribed: self => self.send({ type: 'ERROR', error: { message: 'Framework has been removed' } }),
  })
  t.teardown(() => master.stop())
  const ear = new Ear()
  createScheduler({ master: master.url, framework, events: ear.events })
  await ear.until(() => ear.count('ended') === 1)
  t.match(ear.told.at(-1), { kind: 'ended', reason: /removed/ })
})

for (const callStream of ['taken', 'refused'] as const)
  t.test(`calls on a stream ${callStream}: a teardown has reached the master when it resolves`, async t => {
    const master = await ScriptedMaster.start({ callStream })
    t.teardown(() => master.stop())
    const ear = new Ear()
    const scheduler = createScheduler({ master: master.url, framework, events: ear.events })
    await ear.until(() => ear.count('subscribed') === 1)
    await scheduler.teardown()
    t.equal(master.calls.filter(call => call.type === 'TEARDOWN').length, 1)
    t.notOk(scheduler.connected)
    t.same([ear.count('disconnected'), ear.count('ended')], [0, 0], 'an end that was asked for is not told')
  })

t.test(
  'a teardown whose stream ends before its answer is done when the master no longer knows the framework',
  async t => {
    let removed = false
    const master: ScriptedMaster = await ScriptedMaster.start({
      subscribed: self => {
        if (removed) self.send({ type: 'ERROR', error: { message: 'Framework has been removed' } })
      },
      call: (self, call) => {
        removed ||= call.type === 'TEARDOWN'
        if (removed) self.disconnect()
        return undefined
      },
      answersAfterTeardown: 'never',
    })
    t.teardown(() => master.stop())
    const ear = new Ear()
    const scheduler = createScheduler({ master: master.url, framework, events: ear.events })
    await ear.until(() => ear.count('subscribed') === 1)
    await scheduler.teardown()
    t.equal(master.calls.filter(call => call.type === 'TEARDOWN').length, 1)
    t.same([ear.count('subscribed'), ear.count('disconnected'), ear.count('ended')], [1, 0, 0])
  },
)

t.test('a teardown that was lost with the session is sent again; one that is refused says so', async t => {
  let lost = 0
  const master: ScriptedMaster = await ScriptedMaster.start({
    call: (self, call) => {
      if (call.type !== 'TEARDOWN') return undefined
      lost += 1
      if (lost < 3) self.disconnect()
      return undefined
    },
    answersAfterTeardown: 'while subscribed',
  })
  t.teardown(() => master.stop())
  const ear = new Ear()
  const scheduler = createScheduler({ master: master.url, framework, events: ear.events })
  await ear.until(() => ear.count('subscribed') === 1)
  await scheduler.teardown()
  t.equal(lost, 3)

  const strict = await ScriptedMaster.start({ call: (_master, call) => (call.type === 'TEARDOWN' ? 403 : undefined) })
  t.teardown(() => strict.stop())
  const other = new Ear()
  const refused = createScheduler({ master: strict.url, framework, events: other.events })
  t.teardown(() => refused.stop())
  await other.until(() => other.count('subscribed') === 1)
  await t.rejects(refused.teardown(), /403/)
})

t.test('who stops while a teardown is under way learns that it is not known to be done', async t => {
  const master: ScriptedMaster = await ScriptedMaster.start({ answersAfterTeardown: 'never' })
  t.teardown(() => master.stop())
  const ear = new Ear()
  const scheduler = createScheduler({ master: master.url, framework, events: ear.events })
  await ear.until(() => ear.count('subscribed') === 1)
  const teardown = scheduler.teardown()
  await ear.poll(() => master.calls.some(call => call.type === 'TEARDOWN'))
  scheduler.stop()
  await t.rejects(teardown, CallError)
})

t.test('a stream that is no RecordIO is left and tried again', async t => {
  let broken = true
  const master = await ScriptedMaster.start({
    subscribed: self => {
      if (!broken) return
      broken = false
      self.send({ type: 'OFFERS', offers: { offers: [] } })
      self.disconnect()
    },
  })
  t.teardown(() => master.stop())
  const ear = new Ear()
  const scheduler = createScheduler({ master: master.url, framework, events: ear.events })
  t.teardown(() => scheduler.stop())
  await ear.until(() => scheduler.connected && !broken && ear.count('subscribed') >= 1)
  t.ok(scheduler.connected)
})

t.test('addresses that are none are refused at once', async t => {
  t.throws(() => createScheduler({ master: '', framework, events: new Ear().events }), /no master is named/)
  t.throws(() => createScheduler({ master: 'http://', framework, events: new Ear().events }), /no address of a master/)
})
