import { createContext, Script } from 'node:vm'

/** A package's own template, schema or pattern kept the processor longer than it may. */
export class TookTooLong extends Error {
  constructor(milliseconds: number) {
    super(`gave no answer within ${milliseconds} ms`)
    this.name = 'TookTooLong'
  }
}

const script = new Script('work()')

/**
 * Runs synchronous work that a stranger's template, schema or regular expression may make endless, and interrupts it after the time.
 * The limit is a guard, not a decision: work within it is as deterministic as without.
 */
export function runBounded<Result>(milliseconds: number, work: () => Result): Result {
  let result: { value: Result } | undefined
  const context = createContext({
    work: () => {
      result = { value: work() }
    },
  })
  try {
    script.runInContext(context, { timeout: milliseconds })
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw new TookTooLong(milliseconds)
    throw error
  }
  return result!.value
}
