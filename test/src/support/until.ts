import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Asks again until the answer is given (not undefined and not false), or the time is over: then the error says what was awaited
 * and what the last try threw. Times in milliseconds.
 */
export async function until<Answer>(
  what: string,
  ask: () => Promise<Answer | undefined | false> | Answer | undefined | false,
  limit = 20_000,
  interval = 50,
): Promise<Answer> {
  const deadline = Date.now() + limit
  let last: unknown
  while (true) {
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer
    } catch (error) {
      last = error
    }
    if (Date.now() > deadline) {
      const because = last instanceof Error ? ` (${last.message})` : ''
      throw new Error(`${what}: not within ${limit / 1000} s${because}`)
    }
    await sleep(interval)
  }
}
