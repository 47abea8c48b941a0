import type { Clock, Timer } from '@meseta/common/service/clock'
import { heartbeatSeconds } from '../state/heartbeat.ts'

/** A beat that would be due within this is not left for the next look. Milliseconds. */
const early = 500

/** When the streams of one kind beat: one look a second, at those that are due. */
export class Heartbeats<Key> {
  readonly #clock: Clock
  readonly #timer: Timer
  /** When each last beat, oldest first. */
  readonly #beats = new Map<Key, number>()

  /** `beat` sends a heartbeat. */
  constructor(clock: Clock, beat: (key: Key) => void) {
    this.#clock = clock
    this.#timer = clock.every(1_000, () => this.#look(beat))
  }

  /** This stream has just had its first heartbeat. */
  begin(key: Key): void {
    this.#beats.set(key, this.#clock.monotonic())
  }

  end(key: Key): void {
    this.#beats.delete(key)
  }

  stop(): void {
    this.#timer.cancel()
    this.#beats.clear()
  }

  #look(beat: (key: Key) => void): void {
    const now = this.#clock.monotonic()
    const due: Key[] = []
    for (const [key, last] of this.#beats) {
      if (now - last < heartbeatSeconds * 1000 - early) break
      due.push(key)
    }
    for (const key of due) {
      this.#beats.delete(key)
      this.#beats.set(key, now)
      beat(key)
    }
  }
}
