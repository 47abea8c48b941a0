import type { Random } from '../service/random.ts'

/** A stream of random numbers that a seed determines. */
export interface SeededRandom extends Random {
  /** A whole number in [0, below). */
  int(below: number): number
  /** A number in [from, to). */
  between(from: number, to: number): number
  /** True with this chance, 0 to 1. A chance of 0 draws nothing, so that switching a fault off changes nothing else. */
  chance(chance: number): boolean
  pick<Item>(items: readonly Item[]): Item
  /** A new array in a random order. */
  shuffle<Item>(items: readonly Item[]): Item[]
  /** An independent stream; the same label gives the same stream, however much was drawn here. */
  fork(label: string): SeededRandom
}

/** 32 bits of a text and a number; FNV-1a with a final mix. */
export function hash32(text: string, seed: number): number {
  let hash = 0x811c9dc5 ^ seed
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** Chris Doty-Humphrey's SFC32 (PractRand): 128 bits of state, fast, and good enough to find bugs with. Not for secrets. */
export function seededRandom(seed: number): SeededRandom {
  let a = hash32('a', seed)
  let b = hash32('b', seed)
  let c = hash32('c', seed)
  let counter = 1
  const draw = (): number => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }
  for (let warm = 0; warm < 12; warm++) draw()

  const next = () => draw() / 0x1_0000_0000
  const int = (below: number) => Math.floor(next() * below)
  const bytes = (count: number): Uint8Array => {
    const out = new Uint8Array(count)
    for (let index = 0; index < count; index++) out[index] = draw() & 0xff
    return out
  }
  return {
    next,
    int,
    bytes,
    uuid: () => uuidOf(bytes(16)),
    between: (from, to) => from + next() * (to - from),
    chance: chance => chance > 0 && next() < chance,
    pick: items => items[int(items.length)]!,
    shuffle: items => shuffled(items, int),
    fork: label => seededRandom(hash32(label, seed)),
  }
}

function shuffled<Item>(items: readonly Item[], int: (below: number) => number): Item[] {
  const out = [...items]
  for (let index = out.length - 1; index > 0; index--) {
    const other = int(index + 1)
    const kept = out[index]!
    out[index] = out[other]!
    out[other] = kept
  }
  return out
}

function uuidOf(bytes: Uint8Array): string {
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, 16).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
