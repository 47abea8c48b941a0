/** One event of a `text/event-stream`. */
export interface SseFrame {
  readonly id: string | undefined
  readonly event: string
  readonly data: string
}

/** A frame over the parser's bound: the stream can not be followed. */
export class FrameTooLarge extends Error {
  constructor(limit: number) {
    super(`a frame of the event stream is over ${limit} bytes`)
    this.name = 'FrameTooLarge'
  }
}

const lineFeed = 10

/**
 * Reads `text/event-stream` (WHATWG HTML, "Server-sent events") from chunks cut anywhere. Lines end with LF or CRLF.
 * Frames without data are none; comments are skipped. A frame of more than `maxFrame` bytes (4 MiB unless said) throws FrameTooLarge.
 */
export class SseParser {
  readonly #maxFrame: number
  /** The chunks of a line whose end has not come. */
  #partial: Uint8Array[] = []
  #partialBytes = 0
  #frameBytes = 0
  #id: string | undefined
  #event = ''
  #data: string[] = []

  constructor(maxFrame: number = 4 * 1024 * 1024) {
    this.#maxFrame = maxFrame
  }

  /** The frames that this chunk completes. */
  push(chunk: Uint8Array): SseFrame[] {
    const frames: SseFrame[] = []
    let start = 0
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, start)) {
      const frame = this.#line(this.#takeLine(chunk.subarray(start, end)))
      if (frame) frames.push(frame)
      start = end + 1
    }
    if (start < chunk.length) {
      this.#partial.push(chunk.slice(start))
      this.#partialBytes += chunk.length - start
      this.#checkSize(this.#partialBytes)
    }
    return frames
  }

  #takeLine(end: Uint8Array): string {
    const bytes = this.#partial.length === 0 ? end : Buffer.concat([...this.#partial, end])
    this.#partial = []
    this.#partialBytes = 0
    this.#checkSize(bytes.length)
    this.#frameBytes += bytes.length
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
    return text.endsWith('\r') ? text.slice(0, -1) : text
  }

  #checkSize(more: number): void {
    if (this.#frameBytes + more > this.#maxFrame) throw new FrameTooLarge(this.#maxFrame)
  }

  #line(line: string): SseFrame | undefined {
    if (line === '') return this.#dispatch()
    const colon = line.indexOf(':')
    if (colon === 0) {
      if (this.#data.length === 0 && this.#event === '') this.#frameBytes = 0
      return undefined
    }
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'data') this.#data.push(value)
    else if (field === 'event') this.#event = value
    else if (field === 'id' && !value.includes('\0')) this.#id = value
    return undefined
  }

  #dispatch(): SseFrame | undefined {
    const frame =
      this.#data.length === 0
        ? undefined
        : { id: this.#id, event: this.#event || 'message', data: this.#data.join('\n') }
    this.#id = undefined
    this.#event = ''
    this.#data = []
    this.#frameBytes = 0
    return frame
  }
}
