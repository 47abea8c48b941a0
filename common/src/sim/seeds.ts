import { type RunResult, SimulationFailure } from './simulation.ts'

/** One whole run of a scenario; it throws when something broke. */
export type Scenario = (seed: number) => Promise<RunResult>

export interface SeedsResult {
  readonly runs: number
  readonly events: number
  /** Simulated milliseconds of all runs together. */
  readonly time: number
}

/**
 * Runs a scenario with seeds `first`, `first + 1`, …; each `twiceEvery`-th (10 unless said) twice, and the hashes must agree.
 * Throws the first failure, which names its seed.
 */
export async function runSeeds(
  scenario: Scenario,
  options: { readonly first: number; readonly count: number; readonly twiceEvery?: number },
): Promise<SeedsResult> {
  const { first, count, twiceEvery = 10 } = options
  let events = 0
  let time = 0
  for (let index = 0; index < count; index++) {
    const seed = first + index
    const result = await scenario(seed)
    events += result.events
    time += result.time
    if (index % twiceEvery !== 0) continue
    const again = await scenario(seed)
    if (again.hash !== result.hash)
      throw new SimulationFailure(
        seed,
        `two runs differ (${result.hash} after ${result.events} events, ${again.hash} after ${again.events}): something is not determined by the seed`,
        '(run it twice with a longer history and compare)',
      )
  }
  return { runs: count, events, time }
}

/** The first seeds, from `first` on, with which a scenario breaks: for tests that take a safeguard out and expect to see it. */
export async function failingSeed(
  scenario: Scenario,
  options: { readonly first: number; readonly count: number },
): Promise<SimulationFailure | undefined> {
  for (let seed = options.first; seed < options.first + options.count; seed++) {
    try {
      await scenario(seed)
    } catch (error) {
      if (error instanceof SimulationFailure) return error
      throw error
    }
  }
  return undefined
}
