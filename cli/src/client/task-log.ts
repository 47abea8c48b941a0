import { Failure } from '../output/failure.ts'
import { type Answer, failureOf, parse, type Router } from './router.ts'

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
/** Bytes that `more` answers at most. */
const mostAtOnce = 16 * page
const newline = 10

/** One file of a task's sandbox, read through its agent. */
export class TaskLog {
  readonly task: LoggedTask
  readonly #router: Router
  readonly #file: string
  /** Keeps a character that was written in two pieces until it is whole. */
  readonly #decoder = new TextDecoder()
  #offset = 0

  constructor(router: Router, task: LoggedTask, file: string) {
    this.#router = router
    this.task = task
    this.#file = file
  }

  /** The last lines, and the place where `more` goes on. */
  async tail(lines: number): Promise<string> {
    const size = parse<{ offset: number }>(await this.#get(new URLSearchParams({ path: this.#path }))).offset
    this.#offset = size
    const pages: Buffer[] = []
    let start = size
    // The end of the line before the wanted ones, and an end of the last line.
    let ends = 0
    while (start > 0 && ends <= lines && lines > 0) {
      const from = Math.max(0, start - page)
      const bytes = await this.#read(from, start - from, true)
      pages.unshift(bytes)
      for (const byte of bytes) if (byte === newline) ends += 1
      start = from
    }
    return lastLines(Buffer.concat(pages), lines).toString('utf8')
  }

  /** What was written since, at most a mebibyte. */
  async more(): Promise<string> {
    let text = ''
    for (let read = 0; read < mostAtOnce; ) {
      const bytes = await this.#read(this.#offset, page, false)
      if (bytes.length === 0) break
      this.#offset += bytes.length
      read += bytes.length
      text += this.#decoder.decode(bytes, { stream: true })
    }
    return text
  }

  /** Bytes of the file; all that were asked for when `whole`, else perhaps without a character that is cut at the end. */
  async #read(offset: number, length: number, whole: boolean): Promise<Buffer> {
    const query = new URLSearchParams({ path: this.#path, offset: String(offset), length: String(length) })
    const { data } = parse<{ data: string }>(await this.#get(query))
    const bytes = Buffer.from(data)
    // What is no text, or is cut, comes with marks in its place: those are not the file's bytes.
    const isExact = !data.includes('\ufffd') && !(whole && bytes.length !== length)
    return isExact ? bytes : this.#readExactly(offset, length)
  }

  async #readExactly(offset: number, length: number): Promise<Buffer> {
    const answer = await this.#router.ask(`${this.#agent}/api/v1`, {
      method: 'POST',
      body: { type: 'READ_FILE', read_file: { path: this.#path, offset, length } },
    })
    const { read_file } = parse<{ read_file: { data?: string } }>(this.#checked(answer))
    return Buffer.from(read_file.data ?? '', 'base64')
  }

  get #agent(): string {
    return `/agent/${encodeURIComponent(this.task.slave_id)}`
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

  async #get(query: URLSearchParams): Promise<Answer> {
    return this.#checked(await this.#router.ask(`${this.#agent}/files/read?${query}`))
  }

  #checked(answer: Answer): Answer {
    if (answer.status === 404) {
      throw new Failure(`task ${this.task.id} has no file ${this.#file}, or its sandbox has been removed`, {
        exit: 'notFound',
      })
    }
    if (answer.status >= 400) throw failureOf(answer)
    return answer
  }
}

/** The last lines of a text; an end of line at its end does not begin another line. */
function lastLines(text: Buffer, lines: number): Buffer {
  if (lines === 0) return Buffer.alloc(0)
  let start = text.length - (text.at(-1) === newline ? 1 : 0)
  for (let left = lines; left > 0 && start >= 0; left -= 1) {
    // A negative place would be counted from the end.
    start = start === 0 ? -1 : text.lastIndexOf(newline, start - 1)
  }
  return text.subarray(start + 1)
}
