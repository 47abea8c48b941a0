import type { Millis } from './model.ts'

/** Things to look at again at a time, soonest first. A key has one time: the latest set. */
export class Deadlines {
  readonly #times = new Map<string, Millis>()
  /** A binary heap; entries whose time is no longer that of their key are skipped. */
  readonly #heap: { at: Millis; key: string }[] = []

  set(key: string, at: Millis): void {
    if (this.#times.get(key) === at) return
    this.#times.set(key, at)
    this.#heap.push({ at, key })
    this.#rise(this.#heap.length - 1)
  }

  /** Sets it only where it would come sooner, or is not set. */
  setSooner(key: string, at: Millis): void {
    const known = this.#times.get(key)
    if (known === undefined || at < known) this.set(key, at)
  }

  has(key: string): boolean {
    return this.#times.has(key)
  }

  clear(key: string): void {
    this.#times.delete(key)
  }

  /** The soonest time; undefined when there is none. */
  next(): Millis | undefined {
    this.#dropStale()
    return this.#heap[0]?.at
  }

  /** The keys whose time has come, removed. */
  due(now: Millis): string[] {
    const keys: string[] = []
    for (let at = this.next(); at !== undefined && at <= now; at = this.next()) {
      const { key } = this.#pop()
      this.#times.delete(key)
      keys.push(key)
    }
    return keys
  }

  #dropStale(): void {
    for (let top = this.#heap[0]; top !== undefined && this.#times.get(top.key) !== top.at; top = this.#heap[0])
      this.#pop()
  }

  #pop(): { at: Millis; key: string } {
    const top = this.#heap[0] as { at: Millis; key: string }
    const last = this.#heap.pop() as { at: Millis; key: string }
    if (this.#heap.length > 0) {
      this.#heap[0] = last
      this.#sink(0)
    }
    return top
  }

  #at(index: number): Millis {
    return this.#heap[index]?.at ?? Number.POSITIVE_INFINITY
  }

  #swap(a: number, b: number): void {
    const held = this.#heap[a] as { at: Millis; key: string }
    this.#heap[a] = this.#heap[b] as { at: Millis; key: string }
    this.#heap[b] = held
  }

  #rise(from: number): void {
    let index = from
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (this.#at(parent) <= this.#at(index)) return
      this.#swap(parent, index)
      index = parent
    }
  }

  #sink(from: number): void {
    let index = from
    for (;;) {
      const left = 2 * index + 1
      const least = this.#at(left) <= this.#at(left + 1) ? left : left + 1
      if (this.#at(least) >= this.#at(index)) return
      this.#swap(least, index)
      index = least
    }
  }
}
