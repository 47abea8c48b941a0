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

/** The machine's own randomness. */
export const systemRandom: Random = {
  next: () => randomBytes(4).readUInt32LE() / 0x1_0000_0000,
  uuid: () => randomUUID(),
  bytes: count => randomBytes(count),
}
