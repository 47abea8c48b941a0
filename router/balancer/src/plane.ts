import type { FeedWriter } from '@meseta/common/feed/writer'
import type { Clock, Timer } from '@meseta/common/service/clock'
import type { Context } from '@meseta/common/service/component'
import type { Allocations } from './allocations.ts'
import type { Front, Listening } from './proxy/front.ts'
import type { ProxyLimits } from './proxy/limits.ts'
import { TcpFront } from './proxy/tcp-front.ts'
import { UdpFront } from './proxy/udp-front.ts'
import type { SecondPorts } from './second-ports.ts'
import { isOwnLoopback } from './table/addresses.ts'
import { type VipName, vipDomain, vipText } from './table/vip-labels.ts'
import type { Vip, VipTable } from './table/vip-table.ts'

export interface PlaneOptions {
  readonly table: VipTable
  readonly allocations: Allocations
  readonly ports: SecondPorts
  readonly feed: FeedWriter
  readonly clock: Clock
  readonly log: Context<unknown>['log']
  readonly limits: ProxyLimits
}

/** A virtual IP as it is shown (docs/architecture.md, "Feeds"). */
export interface VipBody {
  readonly name?: string
  readonly vip: string
  readonly address: string
  readonly port: number
  readonly protocol: string
  readonly listen: { readonly address: string; readonly port: number }
  readonly error?: string
  readonly backends: readonly {
    readonly ip: string
    readonly port: number
    readonly weight: number
    readonly task_id: string
    readonly framework_id: string
    readonly agent_id: string
  }[]
  readonly connections: number
}

/** One virtual IP at work. */
interface Served {
  /** `undefined`: no backend is left, but connections may be. */
  vip: Vip | undefined
  address: string | undefined
  front: Front | undefined
  listening: Listening
}

/** Numbers of connections are told this often at most, ms. */
const countInterval = 1_000
/** After this an address that could not be allocated is asked for again, ms. */
const allocateAgain = 2_000

/** Name under which an address is allocated: names and addresses asked for never meet. */
const allocationName = ({ host, isAddress }: VipName): string => `${isAddress ? 'address' : 'name'}:${host}`

/** The portable data plane: makes the world as the table says, and tells the feed what became of it. */
export class Plane {
  readonly #options: PlaneOptions
  readonly #served = new Map<string, Served>()
  /** Those of them for which there is no room, the longest waiting first. */
  readonly #waiting = new Set<string>()
  readonly #recount = new Set<string>()
  readonly #retries = new Set<Timer>()
  #counting: Timer | undefined
  #stopped = false

  constructor(options: PlaneOptions) {
    this.#options = options
  }

  get connections(): number {
    let count = 0
    for (const { front } of this.#served.values()) count += front?.connections ?? 0
    return count
  }

  /** All virtual IPs with backends, as they are shown. */
  shown(): readonly VipBody[] {
    return [...this.#served.values()].flatMap(served => this.#body(served) ?? [])
  }

  /** Carries out what changed in the table since the last time. */
  apply(): void {
    for (const key of this.#options.table.takeChanges()) this.#update(key)
  }

  /** Takes no new connections; those that are open have `grace` ms. */
  async stop(grace: number): Promise<void> {
    this.#stopped = true
    this.#counting?.cancel()
    for (const timer of this.#retries) timer.cancel()
    await Promise.all([...this.#served.values()].map(({ front }) => front?.close(grace)))
  }

  #update(key: string): void {
    const vip = this.#options.table.get(key)
    const served = this.#served.get(key)
    if (vip === undefined) {
      if (served !== undefined) this.#retire(key, served)
    } else if (served !== undefined) {
      served.vip = vip
      served.front?.update(vip.backends)
      this.#publish(key, served)
    } else this.#begin(key, vip)
  }

  #begin(key: string, vip: Vip): void {
    const listening = { port: undefined, error: undefined }
    const served: Served = { vip, address: undefined, front: undefined, listening }
    this.#served.set(key, served)
    const { vips } = this.#options.limits
    if (this.#served.size - this.#waiting.size > vips) {
      this.#waiting.add(key)
      served.listening = { port: undefined, error: `more than ${vips} virtual IPs are asked for` }
      return void this.#publish(key, served)
    }
    const { name } = vip
    const own = name.isAddress && isOwnLoopback(name.host) ? name.host : undefined
    const address = own ?? this.#options.allocations.of(allocationName(name))
    if (address === undefined) void this.#allocate(key, served, name)
    else this.#openFront(key, served, address, name)
  }

  async #allocate(key: string, served: Served, name: VipName): Promise<void> {
    try {
      const address = await this.#options.allocations.allocate(allocationName(name), other => this.#isUsed(other))
      if (this.#served.get(key) === served && !this.#stopped) this.#openFront(key, served, address, name)
    } catch (error) {
      if (this.#served.get(key) !== served || this.#stopped) return
      this.#options.log.warn({ vip: key, err: error }, 'no address could be allocated')
      served.listening = { port: undefined, error: `no address could be allocated: ${(error as Error).message}` }
      this.#publish(key, served)
      const timer = this.#options.clock.after(allocateAgain, () => {
        this.#retries.delete(timer)
        if (this.#served.get(key) === served) void this.#allocate(key, served, name)
      })
      this.#retries.add(timer)
    }
  }

  #isUsed(allocation: string): boolean {
    for (const { vip } of this.#served.values())
      if (vip !== undefined && allocationName(vip.name) === allocation) return true
    return false
  }

  #openFront(key: string, served: Served, address: string, name: VipName): void {
    const { clock, limits, ports } = this.#options
    const { port, protocol } = name
    const place = { address, port }
    const second = `${address}:${port}/${protocol}`
    const events = {
      listening: (listening: Listening) => {
        served.listening = listening
        if (listening.port !== undefined && listening.port !== port) ports.remember(second, listening.port)
        this.#publish(key, served)
      },
      connections: () => this.#countLater(key),
    }
    served.address = address
    served.listening = { port: undefined, error: undefined }
    const options = { place, secondPort: ports.of(second), clock, limits, events }
    served.front = protocol === 'tcp' ? new TcpFront(options) : new UdpFront(options)
    served.front.update(served.vip?.backends ?? [])
    this.#publish(key, served)
  }

  #retire(key: string, served: Served): void {
    served.vip = undefined
    served.front?.update([])
    this.#options.feed.del('vip', key)
    this.#forgetIfDone(key, served)
  }

  #forgetIfDone(key: string, served: Served): void {
    if (served.vip !== undefined || (served.front?.connections ?? 0) > 0) return
    this.#served.delete(key)
    void served.front?.close(0)
    if (!this.#waiting.delete(key)) this.#admit()
  }

  /** One has gone: the next of those that wait has its room. */
  #admit(): void {
    const [key] = this.#waiting
    const vip = key && this.#served.get(key)?.vip
    if (!key || !vip) return
    this.#waiting.delete(key)
    this.#begin(key, vip)
  }

  #countLater(key: string): void {
    const served = this.#served.get(key)
    if (served?.vip === undefined) {
      if (served !== undefined) this.#forgetIfDone(key, served)
      return
    }
    this.#recount.add(key)
    this.#counting ??= this.#options.clock.after(countInterval, () => {
      this.#counting = undefined
      const keys = [...this.#recount]
      this.#recount.clear()
      for (const each of keys) {
        const counted = this.#served.get(each)
        if (counted !== undefined) this.#publish(each, counted)
      }
    })
  }

  #publish(key: string, served: Served): void {
    const body = this.#stopped ? undefined : this.#body(served)
    if (body !== undefined) this.#options.feed.put('vip', key, body)
  }

  #body({ vip, address, front, listening }: Served): VipBody | undefined {
    if (vip === undefined || (address === undefined && listening.error === undefined)) return undefined
    const { name, backends } = vip
    return {
      ...(name.isAddress ? {} : { name: `${name.host}.${vipDomain}` }),
      vip: vipText(name),
      address: address ?? '',
      port: name.port,
      protocol: name.protocol,
      listen: { address: address ?? '', port: listening.port ?? name.port },
      ...(listening.error === undefined ? {} : { error: listening.error }),
      backends: backends.map(backend => ({
        ip: backend.ip,
        port: backend.port,
        weight: backend.weight,
        task_id: backend.taskId,
        framework_id: backend.frameworkId,
        agent_id: backend.agentId,
      })),
      connections: front?.connections ?? 0,
    }
  }
}
