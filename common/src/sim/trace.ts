/** One line of a run's history. */
interface Line {
  readonly time: number
  readonly target: string
  readonly what: string
  readonly size: number | undefined
}

/**
 * What happened in a run: a running hash of everything, to compare two runs of one seed, and the last lines, to read when
 * something broke.
 */
export class Trace {
  readonly #lines: (Line | undefined)[]
  readonly #clockBits = new Float64Array(1)
  readonly #clockWords = new Uint32Array(this.#clockBits.buffer)
  #count = 0
  #low = 0x9e3779b9
  #high = 0x243f6a88

  constructor(history: number) {
    this.#lines = new Array(history)
  }

  /** Events seen. */
  get count(): number {
    return this.#count
  }

  /** 16 hexadecimal digits. */
  get hash(): string {
    return (this.#high >>> 0).toString(16).padStart(8, '0') + (this.#low >>> 0).toString(16).padStart(8, '0')
  }

  add(time: number, target: string, what: string, bytes: Uint8Array | undefined): void {
    this.#lines[this.#count % this.#lines.length] = { time, target, what, size: bytes?.length }
    this.#count += 1
    this.#clockBits[0] = time
    this.#mix(this.#clockWords[0]!)
    this.#mix(this.#clockWords[1]!)
    for (const text of [target, what])
      for (let index = 0; index < text.length; index++) this.#mix(text.charCodeAt(index))
    if (bytes) for (let index = 0; index < bytes.length; index++) this.#mix(bytes[index]!)
  }

  #mix(word: number): void {
    this.#low = Math.imul(this.#low ^ word, 0x85ebca6b) ^ (this.#high >>> 15)
    this.#high = Math.imul(this.#high ^ word, 0xc2b2ae35) ^ (this.#low >>> 13)
  }

  /** The last lines, oldest first: `12.345 master < 120 bytes from agent-1`. */
  tail(): string {
    const held = Math.min(this.#count, this.#lines.length)
    const lines: string[] = []
    for (let index = this.#count - held; index < this.#count; index++) {
      const { time, target, what, size } = this.#lines[index % this.#lines.length]!
      lines.push(
        `${(time / 1000).toFixed(6).padStart(14)}  ${target}  ${what}${size === undefined ? '' : `  (${size} bytes)`}`,
      )
    }
    return lines.join('\n')
  }
}
