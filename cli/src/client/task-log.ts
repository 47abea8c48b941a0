import { Failure } from '../output/failure.ts'
import { failureOf, type Router } from './router.ts'

/** What names a task's sandbox. */
export interface LoggedTask {
  readonly id: string
  readonly framework_id: string
  readonly executor_id: string
  readonly slave_id: string
  readonly statuses?: readonly {
    readonly container_status?: { readonly container_id?: { readonly parent?: unknown } }
  }[]
}

/** Bytes asked for at once; the agent sends at most as much. */
const page = 64 * 1024

/** One file of a task's sandbox, read through its agent. */
export class TaskLog {
  readonly task: LoggedTask
  readonly #router: Router
  readonly #file: string
  #offset = 0

  constructor(router: Router, task: LoggedTask, file: string) {
    this.#router = router
    this.task = task
    this.#file = file
  }

  /** The last lines, and the place where `more` goes on. */
  async tail(lines: number): Promise<string> {
    const size = (await this.#ask(new URLSearchParams({ path: this.#path }))).offset
    let text = ''
    let start = size
    // One line more than wanted, for the end of the one before.
    while (start > 0 && text.split('\n').length <= lines + 1) {
      const from = Math.max(0, start - page)
      text = (await this.#read(from, start - from)) + text
      start = from
    }
    this.#offset = size
    const ends = text.endsWith('\n')
    const rows = (ends ? text.slice(0, -1) : text).split('\n')
    if (lines === 0 || text === '') return ''
    return rows.slice(-lines).join('\n') + (ends ? '\n' : '')
  }

  async more(): Promise<string> {
    const text = await this.#read(this.#offset, page)
    this.#offset += Buffer.byteLength(text)
    return text
  }

  async #read(offset: number, length: number): Promise<string> {
    const query = new URLSearchParams({ path: this.#path, offset: String(offset), length: String(length) })
    return (await this.#ask(query)).data
  }

  /** Tasks of the default executor have a folder of their own below its sandbox. */
  get #path(): string {
    const executor = this.task.executor_id || this.task.id
    const isNested = this.task.statuses?.some(
      ({ container_status }) => container_status?.container_id?.parent !== undefined,
    )
    const run = `/frameworks/${this.task.framework_id}/executors/${executor}/runs/latest`
    return `${run}${isNested && executor !== this.task.id ? `/tasks/${this.task.id}` : ''}/${this.#file}`
  }

  async #ask(query: URLSearchParams): Promise<{ data: string; offset: number }> {
    const answer = await this.#router.ask(`/agent/${encodeURIComponent(this.task.slave_id)}/files/read?${query}`)
    if (answer.status === 404) {
      throw new Failure(`task ${this.task.id} has no file ${this.#file}, or its sandbox has been removed`, {
        exit: 'notFound',
      })
    }
    if (answer.status >= 400) throw failureOf(answer)
    return JSON.parse(answer.text) as { data: string; offset: number }
  }
}
