import type { Task } from '../model/objects.ts'
import { sandboxOf } from '../model/tasks.ts'
import { ask } from './request.ts'

interface Piece {
  readonly data: string
  readonly offset: number
}

/** Bytes asked for at a time. */
const pieceBytes = 50_000

/** A file of a task's sandbox, read through its agent from the end; places are bytes. */
export class LogFile {
  readonly #url: string
  readonly #path: string
  #start = 0
  #end = 0

  constructor(task: Task, file: 'stdout' | 'stderr') {
    this.#url = `/agent/${encodeURIComponent(task.slave_id)}/files/read`
    this.#path = `${sandboxOf(task)}/${file}`
  }

  /** Whether there is more before what was read. */
  get hasEarlier(): boolean {
    return this.#start > 0
  }

  /** The end of the file, beginning with a whole line. */
  async tail(): Promise<string> {
    this.#end = await this.#size()
    this.#start = Math.max(0, this.#end - pieceBytes)
    const text = await this.#read(this.#start, this.#end - this.#start)
    return this.#wholeLines(text)
  }

  /** What comes before what was read. */
  async earlier(): Promise<string> {
    const end = this.#start
    this.#start = Math.max(0, end - pieceBytes)
    return this.#wholeLines(await this.#read(this.#start, end - this.#start))
  }

  /** What was written since. A file that became shorter was begun anew. */
  async more(): Promise<string> {
    const size = await this.#size()
    if (size < this.#end) this.#end = 0
    const from = Math.max(this.#end, size - pieceBytes)
    this.#end = size
    return size === from ? '' : this.#read(from, size - from)
  }

  /** Leaves a line that was cut to `earlier`. */
  #wholeLines(text: string): string {
    if (this.#start === 0) return text
    const cut = text.indexOf('\n')
    // A line that fills the whole piece comes in parts.
    if (cut === -1 || cut === text.length - 1) return text
    this.#start += new TextEncoder().encode(text.slice(0, cut + 1)).length
    return text.slice(cut + 1)
  }

  async #size(): Promise<number> {
    return (await this.#ask({})).offset
  }

  async #read(offset: number, length: number): Promise<string> {
    return length === 0 ? '' : (await this.#ask({ offset: String(offset), length: String(length) })).data
  }

  #ask(place: Record<string, string>): Promise<Piece> {
    return ask<Piece>(`${this.#url}?${new URLSearchParams({ path: this.#path, ...place })}`)
  }
}
