import type { Logger } from 'pino'
import type { Clock, Timer } from './clock.ts'
import { type LogLevel, logLevels } from './logger.ts'

/**
 * How talkative a log is, in the numbers that operators of Mesos know: 0 is what the process was started with, 1 adds `debug`, 2 and
 * above `trace`. A change lasts for a while.
 */
export class Verbosity {
  readonly #log: Logger
  readonly #clock: Clock
  readonly #usual: LogLevel
  #level = 0
  #end: Timer | undefined

  constructor(log: Logger, clock: Clock) {
    this.#log = log
    this.#clock = clock
    this.#usual = log.level as LogLevel
  }

  get level(): number {
    return this.#level
  }

  /** `duration` in ms; the next change takes the place of this one. */
  set(level: number, duration: number): void {
    this.#end?.cancel()
    this.#apply(level)
    this.#end = level === 0 ? undefined : this.#clock.after(duration, () => this.#apply(0))
  }

  /** The level is the usual one again. */
  stop(): void {
    this.set(0, 0)
  }

  #apply(level: number): void {
    this.#level = level
    const wanted: LogLevel = level === 0 ? this.#usual : level === 1 ? 'debug' : 'trace'
    const isMore = logLevels.indexOf(wanted) < logLevels.indexOf(this.#usual)
    this.#log.level = isMore ? wanted : this.#usual
  }
}
