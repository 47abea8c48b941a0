import { systemClock } from '../../src/service/clock.ts'

/** Resolves with the first truthy answer; throws, naming what was awaited, when the time is over (milliseconds). */
export async function until<Answer>(
  what: string,
  condition: () => Answer | Promise<Answer>,
  timeout = 15_000,
): Promise<NonNullable<Answer>> {
  const deadline = systemClock.monotonic() + timeout
  for (;;) {
    const answer = await condition()
    if (answer) return answer
    if (systemClock.monotonic() > deadline) throw new Error(`not within ${timeout / 1000} s: ${what}`)
    await new Promise<void>(resolve => systemClock.after(10, resolve))
  }
}
