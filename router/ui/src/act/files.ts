import type { Task } from '../model/objects.ts'
import { sandboxOf } from '../model/tasks.ts'
import { ask } from './request.ts'

/** Bytes of a file from `offset` as text; without a place, its size as `offset`. */
export type ReadFile = (place?: { readonly offset: number; readonly length: number }) => Promise<Piece>

interface Piece {
  /** Without a character that is cut at the end of what was asked for. */
  readonly data: string
  readonly offset: number
}

/** Bytes asked for at a time. */
const pieceBytes = 50_000
/** Where more was written than this since the last look, the middle is left out. Bytes. */
const mostBytes = 20 * pieceBytes

/** A file of a task's sandbox, read through its agent. */
export function sandboxFile(task: Task, file: 'stdout' | 'stderr'): ReadFile {
  const url = `/agent/${encodeURIComponent(task.slave_id)}/files/read`
  const path = `${sandboxOf(task)}/${file}`
  return place => {
    const query = new URLSearchParams({ path })
    for (const [name, value] of Object.entries(place ?? {})) query.set(name, String(value))
    return ask<Piece>(`${url}?${query}`)
  }
}

/** A file that grows, read from the end; places are bytes. Of its calls one runs at a time. */
export class LogFile {
  readonly #file: ReadFile
  #start = 0
  #end = 0

  constructor(file: ReadFile) {
    this.#file = file
  }

  /** Whether there is more before what was read. */
  get hasEarlier(): boolean {
    return this.#start > 0
  }

  /** The end of the file, beginning with a whole line. */
  async tail(): Promise<string> {
    const { offset: size } = await this.#file()
    const from = Math.max(0, size - pieceBytes)
    this.#end = from
    const text = await this.#upTo(size)
    return this.#wholeLines(from, this.#end, text)
  }

  /** What comes before what was read. */
  async earlier(): Promise<string> {
    const end = this.#start
    const from = Math.max(0, end - pieceBytes)
    return this.#wholeLines(from, end, (await this.#read(from, end)).text)
  }

  /** What was written since. A file that became shorter was begun anew. */
  async more(): Promise<string> {
    const { offset: size } = await this.#file()
    if (size < this.#end) this.#end = 0
    const skipped = Math.max(0, size - mostBytes - this.#end)
    this.#end += skipped
    return `${skipped > 0 ? `\n… ${skipped} bytes are left out …\n` : ''}${await this.#upTo(size)}`
  }

  /** From `end` to `size`, or to the last whole character before it. */
  async #upTo(size: number): Promise<string> {
    let text = ''
    while (this.#end < size) {
      const piece = await this.#read(this.#end, Math.min(size, this.#end + pieceBytes))
      if (piece.bytes === 0) break
      text += piece.text
      this.#end += piece.bytes
    }
    return text
  }

  async #read(from: number, to: number): Promise<{ text: string; bytes: number }> {
    if (to <= from) return { text: '', bytes: 0 }
    const { data } = await this.#file({ offset: from, length: to - from })
    return { text: data, bytes: bytesOf(data) ?? to - from }
  }

  /** Leaves a line that was cut to `earlier`. The text is the file's from byte `from` to byte `to`. */
  #wholeLines(from: number, to: number, text: string): string {
    this.#start = from
    const cut = from === 0 ? -1 : text.indexOf('\n')
    // A line that fills the whole piece comes in parts.
    if (cut === -1 || cut === text.length - 1) return text
    // What is cut off may begin in the middle of a character: the bytes are counted from the end.
    const rest = text.slice(cut + 1)
    const bytes = bytesOf(rest)
    if (bytes === undefined) return text
    this.#start = to - bytes
    return rest
  }
}

/** The bytes that a text was; unknown where it has marks in place of what is no text. */
const bytesOf = (text: string): number | undefined =>
  text.includes('\ufffd') ? undefined : new TextEncoder().encode(text).length
