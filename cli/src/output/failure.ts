import { visible } from './visible.ts'

/** Exit codes of the command line (contract of the command line, 8.12). */
export const exitCodes = {
  done: 0,
  failure: 1,
  usage: 2,
  notFound: 3,
  login: 4,
  forbidden: 5,
  conflict: 6,
  unreachable: 7,
  timeout: 8,
  deploymentFailed: 9,
  interrupted: 130,
} as const

export type ExitName = keyof typeof exitCodes

/** An error for people: what happened and where, and what to do about it. No stack is shown for it. */
export class Failure extends Error {
  readonly exit: ExitName
  readonly hint: string | undefined
  constructor(message: string, options: { exit?: ExitName; hint?: string } = {}) {
    super(message)
    this.name = 'Failure'
    this.exit = options.exit ?? 'failure'
    this.hint = options.hint
  }
}

/** `Did you mean "list"?` needs no title. */
const isQuestion = (hint: string): boolean => hint.startsWith('Did you mean ')

/** Prints an error on stderr and answers the exit code it stands for. */
export function report(error: unknown, debug: boolean): number {
  const failure = error instanceof Failure ? error : undefined
  const message = error instanceof Error ? error.message : String(error)
  process.stderr.write(`Error: ${visible(message)}\n`)
  if (failure?.hint) process.stderr.write(`${isQuestion(failure.hint) ? '' : 'hint: '}${visible(failure.hint)}\n`)
  if (debug && error instanceof Error && error.stack) process.stderr.write(`${error.stack}\n`)
  return exitCodes[failure?.exit ?? 'failure']
}
