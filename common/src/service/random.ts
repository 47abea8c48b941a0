import { randomBytes, randomUUID } from 'node:crypto'

/** Randomness as a component sees it. Shells get the system's; the simulation gives a seeded one. */
export interface Random {
  /** A number in [0, 1). */
  next(): number
  /** A version-4 UUID in its text form. */
  uuid(): string
  /** `count` bytes. */
  bytes(count: number): Uint8Array
}

/** Small draws are cut from a block of so many bytes: asking the system for sixteen costs as much as for a thousand. */
const blockBytes = 8_192
const smallBytes = 256

class SystemRandom implements Random {
  #block = Buffer.alloc(0)
  #used = 0

  next(): number {
    const at = this.#take(4)
    return this.#block.readUInt32LE(at) / 0x1_0000_0000
  }

  uuid(): string {
    return randomUUID()
  }

  /** What is handed out is not kept: a copy leaves, and its place in the block is cleared. */
  bytes(count: number): Uint8Array {
    if (count > smallBytes) return randomBytes(count)
    const at = this.#take(count)
    const drawn = Uint8Array.prototype.slice.call(this.#block, at, at + count)
    this.#block.fill(0, at, at + count)
    return drawn
  }

  #take(count: number): number {
    if (this.#used + count > this.#block.length) {
      this.#block = randomBytes(blockBytes)
      this.#used = 0
    }
    const at = this.#used
    this.#used += count
    return at
  }
}

/** The machine's own randomness. */
export const systemRandom: Random = new SystemRandom()
