import { createMemoryCoordination, noFaults } from '@meseta/common/coordination/memory'
import { createSimulatedNetwork, type SimulatedBus } from '@meseta/common/messaging/simulated-bus'
import type { SchedulerCall, SchedulerEvent } from '@meseta/common/protocol/mesos'
import { RecordDecoder } from '@meseta/common/protocol/recordio'
import { Simulation } from '@meseta/common/sim/simulation'
import { pino } from 'pino'
import t from 'tap'
import type { ApiStream } from '../src/api/transport.ts'
import { Master } from '../src/master.ts'
import { heartDefaults } from '../src/state/config.ts'
import { FakeAgent } from './support/fake-agent.ts'
import { taskInfo } from './support/fake-scheduler.ts'

const log = pino({ level: 'silent' })

/** A scheduler beside the master's endpoint: bytes in, records out. It launches one task for each offer and acknowledges. */
class Scheduler {
  readonly running = new Set<string>()
  id: string | undefined
  #master: Master | undefined
  #streamId = ''
  #launched = 0

  attach(master: Master): void {
    this.#master = master
    const id = this.id === undefined ? {} : { id: { value: this.id } }
    const call: SchedulerCall = {
      type: 'SUBSCRIBE',
      ...(this.id === undefined ? {} : { framework_id: { value: this.id } }),
      subscribe: { framework_info: { user: 'u', name: 'f', failover_timeout: 1e6, checkpoint: true, ...id } },
    }
    const decoder = new RecordDecoder()
    this.#send(call, headers => {
      this.#streamId = headers['mesos-stream-id'] ?? ''
      return {
        write: record => {
          for (const bytes of decoder.push(record)) this.#event(JSON.parse(Buffer.from(bytes).toString()))
          return true
        },
        end: () => undefined,
        onClose: () => undefined,
        onDrain: () => undefined,
        queuedBytes: 0,
      }
    })
  }

  #send(call: SchedulerCall, stream: (headers: Readonly<Record<string, string>>) => ApiStream = notAStream): void {
    const headers = {
      'content-type': 'application/json',
      ...(call.type === 'SUBSCRIBE' ? {} : { 'mesos-stream-id': this.#streamId }),
    }
    const body = Buffer.from(
      JSON.stringify(call.type === 'SUBSCRIBE' ? call : { framework_id: { value: this.id }, ...call }),
    )
    this.#master!.scheduler.handle(
      { method: 'POST', path: '/api/v1/scheduler', query: '', headers, body },
      { answer: () => undefined, stream },
    )
  }

  #event({ subscribed, offers, update }: SchedulerEvent): void {
    if (subscribed) {
      this.id = subscribed.framework_id.value
      this.#send({ type: 'RECONCILE', reconcile: {} })
    }
    for (const offer of offers?.offers ?? []) {
      const task = taskInfo(offer, { task_id: { value: `t${this.#launched++}` } })
      this.#send({
        type: 'ACCEPT',
        accept: { offer_ids: [offer.id], operations: [{ type: 'LAUNCH', launch: { task_infos: [task] } }] },
      })
    }
    if (!update) return
    const { status } = update
    if (status.state === 'TASK_RUNNING') this.running.add(status.task_id.value)
    if (status.uuid)
      this.#send({
        type: 'ACKNOWLEDGE',
        acknowledge: { agent_id: status.agent_id!, task_id: status.task_id, uuid: status.uuid },
      })
  }
}

const notAStream = (): ApiStream => {
  throw new Error('only SUBSCRIBE is answered with a stream')
}

const masterInfo = (id: string) => ({ id, ip: 0, port: 5050, pid: 'master@127.0.0.1:5050', hostname: '127.0.0.1' })

/** A master, agents and a scheduler over a network that loses, repeats and reorders; the master dies once in the middle. */
async function run(seed: number) {
  const simulation = new Simulation({ seed })
  const world = simulation.process('world')
  const failed = (error: unknown) => simulation.fail('a listener failed', error)
  const faults = { loss: 0.05, duplication: 0.05, reordering: 0.05, delay: [1, 20] as const }
  const network = createSimulatedNetwork({ clock: world.clock(), random: world.random(), faults, failed })
  const servers = createMemoryCoordination({ clock: world.clock(), random: world.random(), failed, faults: noFaults })
  const process = simulation.process('master')
  const scheduler = new Scheduler()
  const agents = [1, 2, 3].map(number => {
    const mine = simulation.process(`agent-${number}`)
    return new FakeAgent({
      bus: network.connect(mine.name),
      link: mine.name,
      clock: mine.clock(),
      random: mine.random(),
      resources: 'cpus:4;mem:1024',
      pid: `slave(1)@10.0.0.${number}:5051`,
    })
  })
  let current: Master | undefined
  let bus: SimulatedBus | undefined
  const startMaster = () => {
    // A dead process says and hears nothing any more.
    bus?.partition()
    bus = network.connect(`master-${process.incarnation}`)
    const master = new Master({
      config: { ...heartDefaults, seed, masterInfo: masterInfo(`M${process.incarnation}`) },
      cluster: 'meseta',
      store: servers.connect().store,
      bus,
      clock: process.clock(),
      random: process.random(),
      log,
      probe: async () => true,
      fatal: error => simulation.fail('the master gave up', error),
      recovered: () => undefined,
      changed: () => undefined,
    })
    current = master
    void master.lead().then(() => scheduler.attach(master), failed)
  }
  simulation.invariant('no resource is given twice', () => {
    const { cluster } = current?.heart ?? {}
    for (const agent of cluster?.agents.values() ?? [])
      if (!agent.total.contains(cluster!.allocator.allocated(agent.id))) return `agent ${agent.id}`
    return undefined
  })
  simulation.schedule('world', 0, 'start', startMaster)
  simulation.schedule('world', 30_000, 'kill the master', () => {
    process.restart()
    startMaster()
  })
  const { hash } = await simulation.run({ until: 90_000 })
  const there = agents.flatMap(({ tasks }) => [...tasks.keys()])
  const known = [...(current?.heart.cluster.tasks.ofFramework(scheduler.id!) ?? [])]
  return { hash, there, known: known.map(({ id }) => id), running: [...scheduler.running], epoch: current?.epoch }
}

t.test('a simulated cluster loses nothing when its master dies', async t => {
  for (let seed = 1; seed <= 5; seed++) {
    const { there, known, running, epoch } = await run(seed)
    t.equal(epoch, 2, `seed ${seed}`)
    t.equal(there.length, 12, 'each cpu has its task')
    t.same([...known].sort(), [...there].sort(), 'the new master knows what the agents run')
    for (const id of there) t.ok(running.includes(id), 'and the framework knows it too')
  }
})

t.test('and the same seed runs the same way', async t => {
  t.equal((await run(7)).hash, (await run(7)).hash)
})
