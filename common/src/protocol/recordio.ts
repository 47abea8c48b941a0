// RecordIO (Mesos contract 1.6): `<decimal byte length>\n<record>`, repeated, with no regard for chunk boundaries.
import { BadMessage } from './errors.ts'

/** A length is a 64-bit number at most, and that has 20 digits. */
const MAX_DIGITS = 20
const NEWLINE = 0x0a
const ZERO = 0x30
const DEFAULT_MAX_RECORD_BYTES = 64 * 1024 * 1024

/** One record, length and data in the same buffer, so that one write makes one HTTP chunk. */
export function encodeRecord(payload: Uint8Array | string): Uint8Array {
  const data = typeof payload === 'string' ? Buffer.from(payload, 'utf8') : payload
  const head = `${data.byteLength}\n`
  const record = Buffer.allocUnsafe(head.length + data.byteLength)
  record.write(head, 0, 'latin1')
  record.set(data, head.length)
  return record
}

export interface RecordDecoderOptions {
  /** Longer records are refused before any of their bytes is kept. Default 64 MiB. */
  maxRecordBytes?: number
}

/** Takes a stream apart into its records. Once it has thrown, the stream has no meaning any more: close it. */
export class RecordDecoder {
  readonly #maxRecordBytes: number
  #broken: BadMessage | undefined
  /** The length line so far. */
  #digits = 0
  #length = 0
  /** The record being filled, when its bytes come in more than one chunk. */
  #record: Buffer | undefined
  #filled = 0
  #wanted = 0

  constructor(options: RecordDecoderOptions = {}) {
    this.#maxRecordBytes = options.maxRecordBytes ?? DEFAULT_MAX_RECORD_BYTES
  }

  /**
   * The records that this chunk completes, in order. A record that lies whole in the chunk is a view of it, not a copy.
   * @throws BadMessage when the length line is malformed or beyond the bound.
   */
  push(chunk: Uint8Array): Uint8Array[] {
    if (this.#broken) throw this.#broken
    const records: Uint8Array[] = []
    let at = 0
    while (at < chunk.byteLength) {
      if (this.#record) at = this.#fill(this.#record, chunk, at, records)
      else at = this.#readLength(chunk, at, records)
    }
    return records
  }

  /** @throws BadMessage when the stream ended inside a record. */
  end(): void {
    if (this.#broken) throw this.#broken
    if (this.#record) this.#fail(`the stream ended after ${this.#filled} of a record's ${this.#wanted} bytes`)
    if (this.#digits > 0) this.#fail("the stream ended inside a record's length")
  }

  #readLength(chunk: Uint8Array, from: number, records: Uint8Array[]): number {
    let at = from
    for (; at < chunk.byteLength; at += 1) {
      const byte = chunk[at] as number
      if (byte === NEWLINE) return this.#begin(chunk, at + 1, records)
      const digit = byte - ZERO
      if (digit < 0 || digit > 9) this.#fail(`a record's length holds the byte ${byte}, which is no digit`)
      this.#digits += 1
      if (this.#digits > MAX_DIGITS) this.#fail(`a record's length has more than ${MAX_DIGITS} digits`)
      this.#length = this.#length * 10 + digit
    }
    return at
  }

  #begin(chunk: Uint8Array, at: number, records: Uint8Array[]): number {
    if (this.#digits === 0) this.#fail('a record has no length')
    const length = this.#length
    if (length > this.#maxRecordBytes)
      this.#fail(`a record of ${length} bytes is larger than the limit of ${this.#maxRecordBytes}`)
    this.#digits = 0
    this.#length = 0
    if (at + length <= chunk.byteLength) {
      records.push(chunk.subarray(at, at + length))
      return at + length
    }
    // The announced length is only believed as bytes arrive: a liar costs us what it sends, not what it claims.
    this.#record = Buffer.allocUnsafeSlow(Math.min(length, Math.max(2 * (chunk.byteLength - at), 4096)))
    this.#wanted = length
    this.#filled = 0
    return at
  }

  #fill(record: Buffer, chunk: Uint8Array, at: number, records: Uint8Array[]): number {
    const take = Math.min(this.#wanted - this.#filled, chunk.byteLength - at)
    let target = record
    if (this.#filled + take > target.byteLength) {
      target = Buffer.allocUnsafeSlow(Math.min(this.#wanted, Math.max(2 * target.byteLength, this.#filled + take)))
      target.set(record.subarray(0, this.#filled))
      this.#record = target
    }
    target.set(chunk.subarray(at, at + take), this.#filled)
    this.#filled += take
    if (this.#filled === this.#wanted) {
      records.push(target.subarray(0, this.#wanted))
      this.#record = undefined
    }
    return at + take
  }

  #fail(reason: string): never {
    this.#broken = new BadMessage('', reason)
    throw this.#broken
  }
}
