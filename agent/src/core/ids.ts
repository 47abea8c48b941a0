import { createHash } from 'node:crypto'

/**
 * Identifiers and fractions for a pure heart: a stream that its seed determines. With a seed drawn at random the uuids are
 * as unique as random ones.
 */
export class IdSource {
  readonly #seed: string
  #count = 0
  constructor(seed: string) {
    this.#seed = seed
  }

  /** A version-4 UUID in its text form. */
  uuid(): string {
    const bytes = this.#next().subarray(0, 16)
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
    const hex = bytes.toString('hex')
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  }

  /** The uuid of a status update, as messages carry it: 16 bytes in base64. */
  updateUuid(): string {
    return this.#next().subarray(0, 16).toString('base64')
  }

  /** A number in [0, 1). */
  fraction(): number {
    return this.#next().readUInt32BE() / 0x1_0000_0000
  }

  #next(): Buffer {
    this.#count++
    return createHash('sha256').update(`${this.#seed}:${this.#count}`).digest()
  }
}
