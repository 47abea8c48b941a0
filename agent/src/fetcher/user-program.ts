import { createInterface } from 'node:readline'
import { systemClock } from '@meseta/common/service/clock'
import { type FetchRequest, fetchUris } from './fetch-uris.ts'

/** A line on the program's stdin: begin a fetch; or, without a request, abort the one with this number. */
export interface FetchCall {
  readonly number: number
  readonly request?: FetchRequest
}

/** A line on its stdout: the fetch is over, with what was wrong. */
export interface FetchReply {
  readonly number: number
  readonly error?: string
}

/** What the process is to import. */
export const programUrl = import.meta.url

/**
 * The whole program of a process that fetches as another user. It is loaded as root, as that user may not be able to read it,
 * and gives all rights up before it hears of any URI. It ends when its input does: also when the agent dies.
 */
export async function serveFetches(uid: number, gid: number): Promise<void> {
  process.setgroups?.([])
  process.setgid?.(gid)
  process.setuid?.(uid)
  const running = new Map<number, AbortController>()
  for await (const line of createInterface({ input: process.stdin })) {
    const { number, request } = JSON.parse(line) as FetchCall
    if (request === undefined) running.get(number)?.abort()
    else {
      const abort = new AbortController()
      running.set(number, abort)
      void answer(number, request, abort.signal).finally(() => running.delete(number))
    }
  }
  for (const abort of running.values()) abort.abort()
}

async function answer(number: number, request: FetchRequest, signal: AbortSignal): Promise<void> {
  let reply: FetchReply = { number }
  try {
    await fetchUris(request, systemClock, signal)
  } catch (error) {
    reply = { number, error: (error as Error).message }
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`)
}
