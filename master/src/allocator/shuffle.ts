/** A small seeded generator (mulberry32): the order of agents in a cycle must be fair, not secret, and the same for a seed. */
export class Shuffler {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** From 0 to below 1. */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }

  /** Shuffles in place. */
  shuffle<Item>(items: Item[]): Item[] {
    for (let index = items.length - 1; index > 0; index--) {
      const other = Math.floor(this.fraction() * (index + 1))
      const item = items[index]!
      items[index] = items[other]!
      items[other] = item
    }
    return items
  }
}
