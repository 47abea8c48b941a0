/** A timer that was started and may be stopped. */
export interface Timer {
  cancel(): void
}

/**
 * Time as a component sees it. Shells get the system's; the simulation gives its own.
 * All durations and times are milliseconds.
 */
export interface Clock {
  /** Wall time, milliseconds since 1970. May jump; for what people and wires read. */
  now(): number
  /** Time that never goes back, from an arbitrary start; for durations and deadlines. */
  monotonic(): number
  after(delay: number, action: () => void): Timer
  every(interval: number, action: () => void): Timer
}

const cancelling = (stop: () => void): Timer => ({ cancel: stop })

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delay, action) {
    const handle = setTimeout(action, delay)
    return cancelling(() => clearTimeout(handle))
  },
  every(interval, action) {
    const handle = setInterval(action, interval)
    return cancelling(() => clearInterval(handle))
  },
}
