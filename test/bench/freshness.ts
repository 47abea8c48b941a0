import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { component as balancer } from '@meseta/balancer/component'
import { openCoordination } from '@meseta/common/coordination/open'
import { followFeed } from '@meseta/common/feed/reader'
import type { Bus } from '@meseta/common/messaging/bus'
import { defaultNatsServer, startNatsServer } from '@meseta/common/messaging/nats-server'
import { openBus } from '@meseta/common/messaging/open'
import type { Offer, TaskInfo } from '@meseta/common/protocol/mesos'
import { systemClock } from '@meseta/common/service/clock'
import { systemRandom } from '@meseta/common/service/random'
import { component as dns } from '@meseta/dns/component'
import { component as master } from '@meseta/master/component'
import { Scheduler } from '@meseta/sdk/scheduler'
import { Packet } from 'dns2'
import { type Bench, bounded, median } from './bench.ts'
import { log, startComponent } from './support/component.ts'
import { startSimulatedAgent } from './support/simulated-agents.ts'

const basics = { clock: systemClock, random: systemRandom, log }
/** Between two questions, milliseconds: what is measured can not be finer. */
const askEvery = 0.5

interface BusUnderTest {
  readonly bus: Bus
  readonly by: string
  stop(): Promise<void>
}

/** A real NATS server where one is installed; else the bus in process. */
async function openTheBus(folder: string): Promise<BusUnderTest> {
  if (!existsSync(defaultNatsServer)) {
    const bus = await openBus('embedded:', basics)
    return { bus, by: 'the embedded bus', stop: () => bus.close() }
  }
  const probe = createServer()
  probe.listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  await new Promise(done => probe.close(done))
  const server = await startNatsServer({ clock: systemClock, folder: join(folder, 'nats'), port })
  const bus = await openBus(`nats://127.0.0.1:${port}`, basics)
  const stop = async () => {
    await bus.close()
    await server.process.stop()
  }
  return { bus, by: 'NATS', stop }
}

/** A message there and back between two subscribers, milliseconds. */
async function roundTrip(bus: Bus): Promise<number> {
  const back = Promise.withResolvers<void>()
  const there = bus.subscribe('bench.there', payload => bus.publish('bench.back', payload))
  const here = bus.subscribe('bench.back', () => back.resolve())
  const begun = performance.now()
  bus.publish('bench.there', new Uint8Array(64))
  await back.promise
  const time = performance.now() - begun
  there.unsubscribe()
  here.unsubscribe()
  return time
}

/** Asks until the name has an address; resolves with the time of that answer. */
function untilResolved(port: number, name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const packet = new Packet()
    packet.header.id = 7
    packet.questions.push({ name, type: Packet.TYPE.A, class: Packet.CLASS.IN } as never)
    const question = packet.toBuffer()
    const socket = createSocket('udp4')
    const late = setTimeout(() => done(() => reject(new Error(`${name} has no address after 10 s`))), 10_000)
    const timer = setInterval(() => socket.send(question, port, '127.0.0.1'), askEvery)
    const done = (settle: () => void) => {
      clearInterval(timer)
      clearTimeout(late)
      socket.close()
      settle()
    }
    socket.on('message', message => {
      // Bytes 6 and 7 of a DNS message count its answers.
      if (message.readUInt16BE(6) > 0) done(() => resolve(performance.now()))
    })
  })
}

/** A byte through the virtual IP and back. */
async function reach(address: string, port: number): Promise<void> {
  const socket = connect({ host: address, port })
  socket.write('x')
  await once(socket, 'data')
  socket.destroy()
}

interface VipBody {
  readonly name?: string
  readonly listen: { readonly address: string; readonly port: number }
  readonly backends: readonly unknown[]
}

const scalar = (name: string, value: number) => ({ name, type: 'SCALAR' as const, scalar: { value } })

function taskFor(offer: Offer, number: number, port: number): TaskInfo {
  return {
    name: `fresh-${number}`,
    task_id: { value: `fresh.${number}` },
    agent_id: offer.agent_id,
    resources: [scalar('cpus', 0.1), scalar('mem', 32)],
    command: { shell: true, value: 'sleep 1000' },
    discovery: {
      visibility: 'FRAMEWORK',
      name: `fresh-${number}`,
      ports: {
        ports: [
          {
            number: port,
            name: 'echo',
            protocol: 'tcp',
            labels: { labels: [{ key: 'VIP_0', value: `/fresh-${number}:9999` }] },
          },
        ],
      },
    },
  }
}

export const bench: Bench = {
  name: 'freshness',
  summary:
    'from the status update at the agent to the new DNS answer and to a byte through the new virtual IP, beside a round trip of the bus',
  async run({ quick, say }) {
    const folder = mkdtempSync(join(tmpdir(), 'meseta-bench-'))
    const stops: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
    try {
      const { bus, by, stop } = await openTheBus(folder)
      stops.push(stop)
      say(`the bus is ${by}`)
      const coordination = await openCoordination(`embedded:${folder}/store`, basics)
      stops.push(() => coordination.close())
      const parts = { store: coordination.store, election: coordination.election, bus }
      const masterHandle = await startComponent(
        master,
        ['--port=0', `--work-dir=${folder}`, '--cluster-name=bench', '--allocation-interval=100ms'],
        parts,
      )
      stops.push(() => masterHandle.stop())
      const balancerHandle = await startComponent(
        balancer,
        ['--port=0', `--work-dir=${folder}`, `--master=${masterHandle.url}`],
        parts,
      )
      stops.push(() => balancerHandle.stop())
      const dnsHandle = await startComponent(dns, [
        '--port=0',
        '--dns-port=0',
        `--master=${masterHandle.url}`,
        `--balancer=${balancerHandle.url}`,
      ])
      stops.push(() => dnsHandle.stop())
      const dnsPort = Number(dnsHandle.endpoints?.dns?.split(':').at(-1))

      const echo = createServer(socket => socket.on('error', () => undefined).pipe(socket))
      echo.listen(0, '0.0.0.0')
      await once(echo, 'listening')
      stops.push(() => echo.close())
      const echoPort = (echo.address() as AddressInfo).port

      const started = new Map<string, number>()
      const agent = startSimulatedAgent({
        bus,
        cluster: 'bench',
        index: 1,
        log,
        running: id => started.set(id, performance.now()),
      })
      stops.push(() => agent.stop())
      const vips = new Map<string, (body: VipBody) => void>()
      const feed = followFeed({
        url: `${balancerHandle.url}/meseta/v1/feed`,
        ...basics,
        on: {
          put(_kind, _key, body) {
            const vip = body as VipBody
            if (vip.backends.length > 0) vips.get(vip.name?.split('.')[0] ?? '')?.(vip)
          },
          del: () => undefined,
        },
      })
      stops.push(() => feed.stop())

      const offers: Offer[] = []
      let wanted: ((offer: Offer) => void) | undefined
      const scheduler = new Scheduler({
        master: masterHandle.url,
        framework: { user: userInfo().username, name: 'bench', roles: ['*'], capabilities: [{ type: 'MULTI_ROLE' }] },
        events: {
          subscribed: () => undefined,
          disconnected: () => undefined,
          ended: () => undefined,
          event(event) {
            for (const offer of event.offers?.offers ?? []) {
              if (wanted) wanted(offer)
              else offers.push(offer)
              wanted = undefined
            }
            const status = event.update?.status
            if (status?.uuid === undefined) return
            void scheduler.call({
              type: 'ACKNOWLEDGE',
              acknowledge: { agent_id: status.agent_id!, task_id: status.task_id, uuid: status.uuid },
            })
          },
        },
      })
      stops.push(() => scheduler.teardown().catch(() => scheduler.stop()))
      const nextOffer = () =>
        new Promise<Offer>(resolve => {
          const offer = offers.shift()
          if (offer) resolve(offer)
          else wanted = resolve
        })

      const times = { dns: [] as number[], vip: [] as number[], bus: [] as number[] }
      const rounds = quick ? 20 : 60
      for (let round = 0; round < rounds; round += 1) {
        times.bus.push(await roundTrip(bus))
        const offer = await nextOffer()
        const id = `fresh.${round}`
        const label = `fresh-${round}`
        const resolved = untilResolved(dnsPort, `${label}.bench.mesos`)
        const reached = new Promise<VipBody>(resolve => vips.set(label, resolve)).then(async ({ listen }) => {
          await reach(listen.address, listen.port)
          return performance.now()
        })
        await scheduler.call({
          type: 'ACCEPT',
          accept: {
            offer_ids: [offer.id],
            operations: [{ type: 'LAUNCH', launch: { task_infos: [taskFor(offer, round, echoPort)] } }],
            filters: { refuse_seconds: 0 },
          },
        })
        const [atDns, atVip] = await Promise.all([resolved, reached])
        times.dns.push(atDns - started.get(id)!)
        times.vip.push(atVip - started.get(id)!)
      }
      const peer = { name: `round trip of ${by}`, value: median(times.bus) }
      return [
        bounded('to the DNS answer, median', 'ms', median(times.dns), 50, peer),
        bounded('to a byte through the virtual IP, median', 'ms', median(times.vip), 100, peer),
      ]
    } finally {
      for (const stop of stops.reverse()) await stop()
    }
  },
}
