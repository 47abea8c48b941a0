import type { Clock } from '@meseta/common/service/clock'

/** Resolves after so many milliseconds. */
export function sleep(clock: Clock, delay: number): Promise<void> {
  return new Promise(resolve => {
    clock.after(delay, resolve)
  })
}
