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

/** The longest delay, in ms, that the machine's timers know; they let a longer one fall due at once. */
const longestTimer = 2 ** 31 - 1

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delay, action) {
    checkDelay(delay)
    let handle: NodeJS.Timeout
    const arm = (left: number): void => {
      handle = left > longestTimer ? setTimeout(arm, longestTimer, left - longestTimer) : setTimeout(action, left)
    }
    arm(delay)
    return { cancel: () => clearTimeout(handle) }
  },
  every: (interval, action) => repeating(systemClock.after, interval, action),
}

/** Throws RangeError for a delay that is no number of milliseconds. */
export function checkDelay(delay: number): void {
  if (!Number.isFinite(delay)) throw new RangeError(`a timer in ${delay} ms would never or at once fall due`)
}

/** A clock's `every` made of its `after`: the next time is counted from the end of the action. */
export function repeating(after: Clock['after'], interval: number, action: () => void): Timer {
  let stopped = false
  let timer: Timer
  const again = (): void => {
    timer = after(interval, () => {
      action()
      if (!stopped) again()
    })
  }
  again()
  return {
    cancel: () => {
      stopped = true
      timer.cancel()
    },
  }
}
