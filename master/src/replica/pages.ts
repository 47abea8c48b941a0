import type { OutStream } from '@meseta/common/service/stream'
import type { ReadReply } from '../api/transport.ts'

// Answers of any size, a page at a time: what writes them stops after each page, so that changes, other reads and heartbeats go on, and no
// answer is ever one string or one buffer.

/** About how many bytes, and at most how many rows, one page has. */
export const pageBytes = 256 * 1024
const pageRows = 256
/** Pages that a stream has unsent at most: the next ones are written while these are on their way. */
const pagesAhead = 8
/** Most answers are small: a page begins with this much. */
const smallBytes = 8 * 1024

/** Where an answer is written. */
export interface Page {
  text(text: string): void
  bytes(bytes: Uint8Array): void
  /** One more row is written; answers whether the page is full, so that it is time to stop. */
  row(): boolean
}

/** What remains of an answer: each `next` writes one page. */
export type Slices = IterableIterator<void>

/** Writes an answer to a page which is emptied whenever it stops; the same each time it is called. */
export type Write = (page: Page) => Slices

class Filled implements Page {
  #buffer = Buffer.allocUnsafeSlow(smallBytes)
  #used = 0
  #rows = 0

  text(text: string): void {
    // A unit of UTF-16 is three bytes of UTF-8 at most.
    this.#room(text.length * 3)
    this.#used += this.#buffer.write(text, this.#used)
  }

  bytes(bytes: Uint8Array): void {
    this.#room(bytes.length)
    this.#buffer.set(bytes, this.#used)
    this.#used += bytes.length
  }

  row(): boolean {
    this.#rows += 1
    return this.#rows >= pageRows || this.#used >= pageBytes
  }

  /** What was written; the page is empty again. The bytes have a buffer of their own. */
  take(): Uint8Array {
    const taken = this.#buffer.subarray(0, this.#used)
    this.#buffer = Buffer.allocUnsafeSlow(pageBytes)
    this.#used = 0
    this.#rows = 0
    return taken
  }

  #room(bytes: number): void {
    if (this.#used + bytes <= this.#buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#buffer.length, this.#used + bytes))
    larger.set(this.#buffer.subarray(0, this.#used))
    this.#buffer = larger
  }
}

/** Only counts: what goes before an answer may have to say how long it is. */
class Counted implements Page {
  length = 0
  #rows = 0

  text(text: string): void {
    this.length += Buffer.byteLength(text)
  }

  bytes(bytes: Uint8Array): void {
    this.length += bytes.length
  }

  row(): boolean {
    this.#rows += 1
    return this.#rows % pageRows === 0
  }
}

const turn = () => new Promise<void>(resolve => setImmediate(resolve))

/** The length of what is written, in bytes; other work goes on meanwhile. */
export async function lengthOf(write: Write): Promise<number> {
  const page = new Counted()
  for (const slices = write(page); !slices.next().done; ) await turn()
  return page.length
}

/** Writes to an open stream as it has room; resolves when all is written, or the stream closed. */
export async function writeOut(stream: OutStream, write: Write): Promise<void> {
  const page = new Filled()
  await pour(stream, page, write(page))
}

async function pour(stream: OutStream, page: Filled, slices: Slices): Promise<void> {
  const room = new Room(stream)
  while (!stream.closed) {
    const { done } = slices.next()
    stream.write(page.take())
    if (done) return
    await room.made()
  }
}

/** Waits for room in a stream. It outlives the answer where the stream goes on, and so holds nothing of it. */
class Room {
  readonly #stream: OutStream
  #made: () => void = () => undefined

  constructor(stream: OutStream) {
    this.#stream = stream
    stream.onDrain(() => this.#made())
    stream.onClose(() => this.#made())
  }

  made(): Promise<void> {
    if (this.#stream.queuedBytes < pagesAhead * pageBytes) return turn()
    return new Promise(resolve => {
      this.#made = resolve
    })
  }
}

/** Answers at once where one page holds it all, with its length; else goes on as a stream. Resolves when all has been said. */
export async function answerInPages(
  reply: ReadReply,
  headers: Readonly<Record<string, string>>,
  write: Write,
): Promise<void> {
  const page = new Filled()
  const slices = write(page)
  if (slices.next().done) {
    reply.answer({ status: 200, headers, body: page.take() })
    return
  }
  const stream = reply.stream(headers)
  stream.write(page.take())
  await turn()
  await pour(stream, page, slices)
  stream.end()
}

/** What is short, in one page. */
export const whole =
  (written: string | Uint8Array): Write =>
  page => {
    if (typeof written === 'string') page.text(written)
    else page.bytes(written)
    return [].values()
  }

/** JSON texts with commas between them, one row each; a row without a text is left out. */
export function* list<Row>(
  page: Page,
  rows: Iterable<Row>,
  write: (row: Row) => string | Uint8Array | undefined,
): Slices {
  let first = true
  for (const row of rows) {
    const text = write(row)
    if (text !== undefined) {
      if (!first) page.text(',')
      first = false
      if (typeof text === 'string') page.text(text)
      else page.bytes(text)
    }
    if (page.row()) yield
  }
}
