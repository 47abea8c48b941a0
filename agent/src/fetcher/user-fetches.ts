import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { UserIds } from '../containers/users.ts'
import type { FetchRequest } from './fetch-uris.ts'
import { type FetchCall, type FetchReply, programUrl } from './user-program.ts'

/** Fetches with the rights of other users, each in a process that lives while it has something to fetch. */
export class UserFetches {
  readonly #processes = new Map<string, UserProcess>()

  /** @throws {Error} what was wrong, or that the process failed */
  async fetch(request: FetchRequest, user: UserIds, signal: AbortSignal): Promise<void> {
    const key = `${user.uid}:${user.gid}`
    let process = this.#processes.get(key)
    if (process === undefined) {
      const begun = new UserProcess(user, () => {
        if (this.#processes.get(key) === begun) this.#processes.delete(key)
      })
      this.#processes.set(key, begun)
      process = begun
    }
    await process.fetch(request, signal)
  }
}

class UserProcess {
  readonly #child: ChildProcess
  readonly #pending = new Map<number, PromiseWithResolvers<void>>()
  readonly #over: () => void
  #count = 0
  #lastWords = ''

  /** `over` is called when it takes nothing more. */
  constructor({ uid, gid }: UserIds, over: () => void) {
    this.#over = over
    const conditions = process.execArgv.filter(argument => argument.startsWith('--conditions='))
    const program = `const { serveFetches } = await import(${JSON.stringify(programUrl)}); await serveFetches(${uid}, ${gid})`
    this.#child = spawn(process.execPath, [...conditions, '--input-type=module', '-e', program], { stdio: 'pipe' })
    this.#child.stderr?.on('data', text => {
      this.#lastWords = `${this.#lastWords}${text}`.slice(-2_000)
    })
    createInterface({ input: this.#child.stdout! }).on('line', line => this.#answered(JSON.parse(line)))
    this.#child.stdin?.on('error', () => {})
    this.#child.once('error', error => this.#ended(error.message))
    this.#child.once('close', (code, signal) => this.#ended(signal ?? `exit status ${code}`))
  }

  async fetch(request: FetchRequest, signal: AbortSignal): Promise<void> {
    const number = ++this.#count
    const answer = Promise.withResolvers<void>()
    this.#pending.set(number, answer)
    this.#send({ number, request })
    const abort = () => this.#send({ number })
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    try {
      await answer.promise
    } finally {
      signal.removeEventListener('abort', abort)
      this.#pending.delete(number)
      if (this.#pending.size === 0) this.#end()
    }
  }

  #send(call: FetchCall): void {
    this.#child.stdin?.write(`${JSON.stringify(call)}\n`)
  }

  #answered({ number, error }: FetchReply): void {
    const answer = this.#pending.get(number)
    if (error === undefined) answer?.resolve()
    else answer?.reject(new Error(error))
  }

  #end(): void {
    this.#over()
    this.#child.stdin?.end()
  }

  #ended(how: string): void {
    this.#over()
    const cause = /^\w*Error: .*$/m.exec(this.#lastWords)?.[0]
    const error = new Error(`the process that fetches ended: ${cause ?? how}`)
    for (const answer of this.#pending.values()) answer.reject(error)
  }
}
