import { createInterface } from 'node:readline/promises'
import { Failure } from './failure.ts'

/** Whether somebody is there to answer a question. */
export const canAsk = (): boolean => Boolean(process.stdin.isTTY && process.stdout.isTTY)

/** A question on the terminal. Without one, `needed` says which flag answers it instead. */
export async function ask(question: string, needed: string): Promise<string> {
  if (!canAsk())
    throw new Failure(`this needs an answer, and there is no terminal to ask on`, { exit: 'usage', hint: needed })
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return (await terminal.question(question)).trim()
  } finally {
    terminal.close()
  }
}
