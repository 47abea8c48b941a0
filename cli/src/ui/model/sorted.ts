/** Above this many new keys at once all are sorted together. */
const bulk = 256

const before = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Keys in the order of a text of theirs. A change costs a search and a move, never a sort of everything. */
export class Sorted {
  /** Sorting text, a zero character, key. */
  readonly #entries: string[] = []
  readonly #of = new Map<string, string>()
  readonly #added: string[] = []

  put(key: string, sort: string): void {
    const entry = `${sort}\0${key}`
    const old = this.#of.get(key)
    if (old === entry) return
    if (old !== undefined) this.del(key)
    this.#of.set(key, entry)
    this.#added.push(entry)
  }

  del(key: string): void {
    const entry = this.#of.get(key)
    if (entry === undefined) return
    this.#settle()
    this.#of.delete(key)
    this.#entries.splice(this.#place(entry), 1)
  }

  has(key: string): boolean {
    return this.#of.has(key)
  }

  get length(): number {
    return this.#of.size
  }

  at(index: number): string | undefined {
    this.#settle()
    const entry = this.#entries[index]
    return entry?.slice(entry.indexOf('\0') + 1)
  }

  indexOf(key: string): number {
    this.#settle()
    const entry = this.#of.get(key)
    return entry === undefined ? -1 : this.#place(entry)
  }

  keys(): IterableIterator<string> {
    return this.#of.keys()
  }

  #place(entry: string): number {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#entries[middle]! < entry) low = middle + 1
      else high = middle
    }
    return low
  }

  #settle(): void {
    if (this.#added.length > bulk) {
      for (const entry of this.#added.splice(0)) this.#entries.push(entry)
      this.#entries.sort(before)
      return
    }
    for (const entry of this.#added.splice(0)) this.#entries.splice(this.#place(entry), 0, entry)
  }
}
