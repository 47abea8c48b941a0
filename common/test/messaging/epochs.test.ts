import t from 'tap'
import { type AgentEffect, AgentMachine } from '../../src/messaging/agent-machine.ts'
import { encodeFrame, type LinkFrame } from '../../src/messaging/frames.ts'
import { linkVersion } from '../../src/messaging/link-version.ts'
import { openMasterEnd } from '../../src/messaging/master-end.ts'
import { MasterMachine } from '../../src/messaging/master-machine.ts'
import { giveUpAfter } from '../../src/messaging/session.ts'
import { createSimulatedNetwork, noFaults } from '../../src/messaging/simulated-bus.ts'
import { quietLog } from '../support/log.ts'
import { TestClock, TestRandom } from '../support/simulated-time.ts'

const beacon = (epoch: number) => ({
  epoch,
  master_info: { id: `M${epoch}`, ip: 0, port: 5050 },
  format: linkVersion,
})
const kinds = (effects: readonly AgentEffect[]) =>
  effects.map(effect => (effect.kind === 'publish' ? effect.frame.kind : effect.kind))

/** An agent with a session that the leader of epoch 2 has opened. */
function opened(): AgentMachine {
  const agent = new AgentMachine(0)
  const [announced] = agent.beacon(0, beacon(2), 'S0')
  const announcement = announced?.kind === 'publish' ? announced.frame.session : 0
  agent.frame(0, { epoch: 2, session: 1, kind: 'TURN', ack: announcement, version: linkVersion })
  return agent
}

t.test('each beacon of the same epoch says that the leader lives', async t => {
  const agent = opened()
  t.same(kinds(agent.beacon(1_000, beacon(2), 'S0')), [], 'it begins nothing anew')
  t.ok(agent.open)
  t.equal(agent.leader?.heardAt, 1_000)
})

t.test('a leader that is heard and acknowledges nothing loses the session; one that is not heard keeps it', async t => {
  for (const heard of [true, false]) {
    const agent = opened()
    agent.send(0, new Uint8Array(1))
    const told: string[] = []
    for (let now = 1_000; now <= giveUpAfter + 1_000; now += 1_000)
      told.push(...kinds(heard ? agent.beacon(now, beacon(2), 'S0') : agent.tick(now, 'S0')))
    t.equal(told.includes('ended'), heard, heard ? 'heard' : 'not heard')
  }
})

t.test(
  'an agent ignores beacons and frames of an older epoch, and frames of one whose leader it has not heard',
  async t => {
    const agent = opened()
    t.same(agent.beacon(1_000, beacon(1), 'S0'), [])
    t.equal(agent.leader?.beacon.epoch, 2)
    for (const epoch of [1, 3]) {
      t.same(agent.frame(1_000, { epoch, session: 1, kind: 'CLOSE', reason: 'not you' }), [], `epoch ${epoch}`)
      t.same(agent.frame(1_000, { epoch, session: 1, kind: 'DATA', seq: 1, payload: [new Uint8Array(1)] }), [])
    }
    t.ok(agent.open)
    t.notOk(agent.owesAck)
  },
)

t.test('a turn that another epoch grants opens no session', async t => {
  const agent = new AgentMachine(0)
  const [announced] = agent.beacon(0, beacon(2), 'S0')
  const announcement = announced?.kind === 'publish' ? announced.frame.session : 0
  for (const epoch of [1, 3])
    agent.frame(0, { epoch, session: 1, kind: 'TURN', ack: announcement, version: linkVersion })
  t.notOk(agent.open)
})

t.test('a leader answers no frame of another epoch, whatever it says', async t => {
  const master = new MasterMachine({ epoch: 2, turns: { agents: 64, bytes: 16 * 1024 * 1024 }, format: linkVersion })
  const frames: Omit<LinkFrame, 'epoch'>[] = [
    { session: 2 ** 40, kind: 'ANNOUNCE', version: linkVersion },
    { session: 1, kind: 'OPEN' },
    { session: 1, kind: 'DATA', seq: 1, payload: [new Uint8Array(1)] },
    { session: 1, kind: 'HEARTBEAT' },
  ]
  for (const epoch of [1, 3]) for (const frame of frames) t.same(master.frame(0, 'a1', { ...frame, epoch }), [])
  t.equal(master.frame(0, 'a1', { ...frames[0]!, epoch: 2 }).length, 1, 'its own it answers')
})

t.test('a leader is not deposed by its own beacon, and who speaks of another epoch is not heard', async t => {
  const clock = new TestClock()
  const random = new TestRandom(1)
  const failed = (error: unknown) => t.fail('a listener failed', { error })
  const network = createSimulatedNetwork({ clock, random, faults: noFaults, failed })
  const heard: string[] = []
  const deposed: number[] = []
  const master = openMasterEnd({
    bus: network.connect('master'),
    cluster: 'test',
    epoch: 2,
    masterInfo: beacon(2).master_info,
    clock,
    random,
    log: quietLog,
    events: {
      opened: () => undefined,
      received: () => undefined,
      ended: () => undefined,
      heard: link => heard.push(link),
      deposed: epoch => deposed.push(epoch),
    },
  })
  const agent = network.connect('a1')
  for (const epoch of [1, 2, 3]) agent.publish('m.test.2.a1', encodeFrame({ epoch, session: 1, kind: 'HEARTBEAT' }))
  clock.advance(5_000)
  t.same(heard, ['a1'])
  t.same(deposed, [])
  t.ok(master.hearsItself)
  await master.stop()
})
