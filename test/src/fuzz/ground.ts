import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMemoryCoordination, type MemoryCluster } from '@meseta/common/coordination/memory'
import { openBus } from '@meseta/common/messaging/open'
import { systemClock } from '@meseta/common/service/clock'
import { systemRandom } from '@meseta/common/service/random'
import { component } from '@meseta/master/component'
import { Pool } from 'undici'
import { log, startComponent } from '../../bench/support/component.ts'
import { type SimulatedAgent, startSimulatedAgent } from '../../bench/support/simulated-agents.ts'
import { until } from '../support/until.ts'
import type { Living } from './calls.ts'
import { LiveFramework } from './live-framework.ts'

export interface FuzzRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | string | undefined
}

const cluster = 'fuzz'

/** A leading master over its own HTTP, with an agent and a framework that come back whatever is done to them. */
export class FuzzGround {
  readonly servers: MemoryCluster
  readonly bus
  readonly #folder = mkdtempSync(join(tmpdir(), 'meseta-fuzz-'))
  readonly #stops: (() => unknown)[] = []
  #pool!: Pool
  #url = ''
  #agents = 0
  #agent: SimulatedAgent | undefined
  #framework!: LiveFramework

  static async open(): Promise<FuzzGround> {
    const ground = new FuzzGround(await openBus('embedded:', { clock: systemClock, random: systemRandom, log }))
    await ground.#open()
    return ground
  }

  private constructor(bus: Awaited<ReturnType<typeof openBus>>) {
    this.bus = bus
    const failed = (error: unknown) => {
      throw error
    }
    this.servers = createMemoryCoordination({ clock: systemClock, random: systemRandom, failed })
  }

  get url(): string {
    return this.#url
  }

  async #open(): Promise<void> {
    this.#url = await this.master()
    this.#framework = new LiveFramework(this.#url)
    this.#pool = new Pool(this.#url, { connections: 32, headersTimeout: 20_000, bodyTimeout: 20_000 })
  }

  /** Another master on the same store and bus. Answers its url. */
  async master(): Promise<string> {
    const { store, election } = this.servers.connect()
    const argv = ['--port=0', `--work-dir=${this.#folder}`, `--cluster-name=${cluster}`, '--allocation-interval=50ms']
    const master = await startComponent(component, argv, { store, election, bus: this.bus })
    this.#stops.push(() => master.stop())
    return master.url
  }

  /** Sends one request; answers the status. A stream is hung up at once. Rejects when there is no answer within 20 s. */
  async send({ method, path, headers, body }: FuzzRequest): Promise<number> {
    const hangUp = new AbortController()
    const answer = await this.#pool.request({
      method: method as 'GET',
      path,
      headers,
      body: body ?? null,
      signal: hangUp.signal,
    })
    const streams = answer.headers['transfer-encoding'] === 'chunked' && answer.statusCode === 200
    if (streams) {
      answer.body.on('error', () => undefined)
      hangUp.abort()
    } else await answer.body.dump()
    return answer.statusCode
  }

  /** What there is to talk about; what the fuzzing has ended is there again. */
  async living(): Promise<Living> {
    return until(
      'an agent, a framework and an offer',
      async () => {
        this.#framework.subscribe()
        const agents = await this.#knownAgents()
        if (!this.#agent?.id || !agents.has(this.#agent.id)) await this.#newAgent()
        const { id: frameworkId, streamId, offers } = this.#framework
        const agentId = this.#agent?.id
        const offer = offers.find(({ agent_id }) => agent_id.value === agentId)
        if (!frameworkId || !streamId || !agentId) return undefined
        return { frameworkId, streamId, agentId, offerId: offer?.id.value ?? 'none' }
      },
      10_000,
      20,
    )
  }

  async #knownAgents(): Promise<Set<string>> {
    const answer = await fetch(`${this.#url}/slaves`)
    const { slaves } = (await answer.json()) as { slaves: { id: string; active: boolean }[] }
    return new Set(slaves.filter(({ active }) => active).map(({ id }) => id))
  }

  async #newAgent(): Promise<void> {
    await this.#agent?.stop()
    this.#agent = startSimulatedAgent({ bus: this.bus, cluster, index: ++this.#agents, log })
    await until('a new agent', () => this.#agent?.id, 10_000, 10)
  }

  async close(): Promise<void> {
    this.#framework.stop()
    await this.#agent?.stop()
    await this.#pool.destroy()
    for (const stop of this.#stops.reverse()) await stop()
    await this.bus.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
