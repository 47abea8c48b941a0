import type { Clock, Timer } from '@meseta/common/service/clock'
import type { Command } from '../core/effects.ts'
import { type Probe, probesOf } from '../core/probes.ts'
import type { State } from '../core/state.ts'
import { Prober } from './probe.ts'

/** Checks that run at a time; more of them wait for their turn. */
const maxRunning = 256

interface Running {
  readonly probe: Probe
  timer: Timer | undefined
  stopped: boolean
}

/** Runs Marathon's own health and readiness checks against the tasks that are there. */
export class Checker {
  readonly #clock: Clock
  readonly #prober: Prober
  readonly #report: (command: Command) => void
  readonly #byInstance = new Map<string, Map<string, Running>>()
  readonly #queue: (() => void)[] = []
  #running = 0

  constructor(clock: Clock, report: (command: Command) => void) {
    this.#clock = clock
    this.#prober = new Prober(clock)
    this.#report = report
  }

  /** Starts and stops checks so that they are what the instance wants now. */
  refresh(state: State, id: string): void {
    const instance = state.instances.get(id)
    const wanted = new Map((instance === undefined ? [] : probesOf(state, instance)).map(probe => [probe.key, probe]))
    const known = this.#byInstance.get(id) ?? new Map<string, Running>()
    for (const [key, running] of known) {
      if (wanted.has(key)) continue
      stop(running)
      known.delete(key)
    }
    for (const [key, probe] of wanted) {
      if (known.has(key)) continue
      const running: Running = { probe, timer: undefined, stopped: false }
      known.set(key, running)
      running.timer = this.#clock.after(probe.first, () => this.#turn(running))
    }
    if (known.size > 0) this.#byInstance.set(id, known)
    else this.#byInstance.delete(id)
  }

  async close(): Promise<void> {
    for (const all of this.#byInstance.values()) for (const running of all.values()) stop(running)
    this.#byInstance.clear()
    await this.#prober.close()
  }

  #turn(running: Running): void {
    if (running.stopped) return
    if (this.#running >= maxRunning) {
      this.#queue.push(() => this.#turn(running))
      return
    }
    this.#running += 1
    const started = this.#clock.monotonic()
    void this.#run(running).finally(() => {
      this.#running -= 1
      this.#queue.shift()?.()
      if (running.stopped) return
      const rest = running.probe.interval - (this.#clock.monotonic() - started)
      running.timer = this.#clock.after(Math.max(50, rest), () => this.#turn(running))
    })
  }

  async #run(running: Running): Promise<void> {
    const { probe } = running
    const host = probe.host.includes(':') ? `[${probe.host}]` : probe.host
    const path = probe.path.startsWith('/') ? probe.path : `/${probe.path}`
    const url = `${probe.scheme}://${host}:${probe.port}${path}`
    if (probe.kind === 'readiness') return this.#runReadiness(running, url)
    const cause = await (probe.scheme === 'tcp'
      ? this.#prober.checkTcp(probe.host, probe.port, probe.timeout)
      : this.#prober.checkHttp(url, probe.timeout))
    if (running.stopped) return
    this.#report({
      type: 'health',
      instance: probe.instance,
      taskId: probe.taskId,
      result: { index: probe.index, alive: cause === undefined, ...(cause !== undefined && { cause }) },
    })
  }

  async #runReadiness(running: Running, url: string): Promise<void> {
    const { probe } = running
    const lastResponse = await this.#prober.get(url, probe.timeout).catch(() => undefined)
    const ready = lastResponse !== undefined && (probe.readyStatuses ?? [200]).includes(lastResponse.status)
    if (running.stopped) return
    const kept = probe.keepResponse ? lastResponse : undefined
    this.#report({
      type: 'readiness',
      instance: probe.instance,
      taskId: probe.taskId,
      result: { name: probe.name ?? '', ready, ...(kept && { lastResponse: kept }) },
    })
  }
}

function stop(running: Running): void {
  running.stopped = true
  running.timer?.cancel()
}
