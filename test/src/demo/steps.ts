/** What a step saw. `ok` false names the first thing that did not hold, in `error`. */
export interface StepResult {
  readonly step: string
  readonly ok: boolean
  readonly duration_ms: number
  readonly counts?: Readonly<Record<string, unknown>>
  readonly error?: string
}

export type Counts = Readonly<Record<string, unknown>>

/** One step of a walk: it does its work and answers what it counted, or throws what did not hold. */
export interface Step<World> {
  readonly name: string
  run(world: World): Promise<Counts>
}

/**
 * Walks the steps in order until one fails. Each has a limit (milliseconds): a step that hangs has failed.
 * `told` hears each result as it comes.
 */
export async function walk<World>(
  steps: readonly Step<World>[],
  world: World,
  limit: number,
  told: (result: StepResult) => void,
): Promise<StepResult[]> {
  const results: StepResult[] = []
  for (const step of steps) {
    const result = await take(step, world, limit)
    results.push(result)
    told(result)
    if (!result.ok) break
  }
  return results
}

async function take<World>(step: Step<World>, world: World, limit: number): Promise<StepResult> {
  const begun = performance.now()
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`not done within ${limit / 1000} s`)), limit)
  const duration = () => Math.round(performance.now() - begun)
  try {
    const counts = await Promise.race([step.run(world), late.promise])
    return { step: step.name, ok: true, duration_ms: duration(), counts }
  } catch (error) {
    return {
      step: step.name,
      ok: false,
      duration_ms: duration(),
      error: error instanceof Error ? error.message : String(error),
    }
  } finally {
    clearTimeout(timer)
  }
}
