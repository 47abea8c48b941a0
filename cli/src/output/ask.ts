import { createInterface } from 'node:readline'
import { Failure } from './failure.ts'

/** Whether somebody is there to answer a question. */
export const canAsk = (): boolean => Boolean(process.stdin.isTTY && process.stdout.isTTY)

/** A question on the terminal. Without one, `needed` says which flag answers it instead. */
export async function ask(question: string, needed: string): Promise<string> {
  if (!canAsk())
    throw new Failure(`this needs an answer, and there is no terminal to ask on`, { exit: 'usage', hint: needed })
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  const answer = Promise.withResolvers<string>()
  // Ctrl-C, and Ctrl-D, which closes the input without an answer.
  terminal.once('SIGINT', () => answer.reject(new Failure('interrupted', { exit: 'interrupted' })))
  terminal.once('close', () => answer.reject(new Failure("couldn't get confirmation")))
  terminal.question(question, text => answer.resolve(text.trim()))
  try {
    return await answer.promise
  } finally {
    terminal.close()
  }
}
