import { lookup } from 'node:dns/promises'
import type { FollowContext } from '@meseta/common/discovery/follow'
import type { Timer } from '@meseta/common/service/clock'
import type { RecordGenerator } from './records/generator.ts'

/** After this a host name that could not be resolved is tried again, ms. */
const lookupAgain = 30_000
/** Host names in work at a time; more wait for the framework's next change. */
const mostLookups = 256

/** Resolves the host names of schedulers, each once, again after a while when that failed. */
export class HostNames {
  readonly #context: FollowContext
  readonly #generator: RecordGenerator
  readonly #asked = new Set<string>()
  readonly #timers = new Set<Timer>()
  #stopped = false

  constructor(context: FollowContext, generator: RecordGenerator) {
    this.#context = context
    this.#generator = generator
  }

  want(host: string | undefined): void {
    if (host === undefined || this.#asked.has(host) || this.#asked.size >= mostLookups || this.#stopped) return
    this.#asked.add(host)
    void lookup(host, { all: true }).then(
      found =>
        this.#resolved(
          host,
          found.map(({ address }) => address),
        ),
      error => this.#failed(host, error as Error),
    )
  }

  stop(): void {
    this.#stopped = true
    for (const timer of this.#timers) timer.cancel()
  }

  #resolved(host: string, addresses: readonly string[]): void {
    this.#asked.delete(host)
    if (!this.#stopped) this.#generator.putHost(host, addresses)
  }

  #failed(host: string, error: Error): void {
    if (this.#stopped) return
    this.#context.log.info({ host, err: error }, 'the host name of a framework can not be resolved')
    const timer = this.#context.clock.after(lookupAgain, () => {
      this.#timers.delete(timer)
      this.#asked.delete(host)
      if (this.#generator.needsHost(host)) this.want(host)
    })
    this.#timers.add(timer)
  }
}
