import { type Fields, type Filter, matches, parseFilter } from './filter.ts'
import { Sorted } from './sorted.ts'

/** The rows of a table by place: nothing of them exists until it is asked for. */
export interface Rows {
  readonly length: number
  at(index: number): string | undefined
  indexOf(key: string): number
}

export interface ListingOptions {
  /** By which text a key is ordered. */
  sort(key: string): string
  /** What a filter looks at. */
  fields(key: string): Fields
  /** Under a filter those come first whose name has all of its words. */
  readonly namesFirst?: boolean
}

/** One table's keys, in order; under a filter those that match, kept up to date key by key. */
export class Listing {
  readonly #options: ListingOptions
  readonly #all = new Sorted()
  #filtered: { readonly filter: Filter; readonly keys: Sorted } | undefined
  readonly #changed = new Set<string>()

  constructor(options: ListingOptions) {
    this.#options = options
  }

  /** The key is new, or something that its row shows has changed. */
  put(key: string): void {
    this.#all.put(key, this.#options.sort(key))
    if (this.#filtered) this.#changed.add(key)
  }

  touch(key: string): void {
    if (this.#filtered && this.#all.has(key)) this.#changed.add(key)
  }

  del(key: string): void {
    this.#all.del(key)
    this.#filtered?.keys.del(key)
    this.#changed.delete(key)
  }

  get length(): number {
    return this.#all.length
  }

  rows(filter: string): Rows {
    if (filter.trim() === '') {
      this.#filtered = undefined
      this.#changed.clear()
      return this.#all
    }
    if (this.#filtered?.filter.text !== filter) {
      this.#filtered = { filter: parseFilter(filter), keys: new Sorted() }
      this.#changed.clear()
      for (const key of this.#all.keys()) this.#look(key)
    }
    for (const key of this.#changed) this.#look(key)
    this.#changed.clear()
    return this.#filtered.keys
  }

  #look(key: string): void {
    const { filter, keys } = this.#filtered!
    const { sort, fields, namesFirst } = this.#options
    if (!matches(filter, fields(key))) keys.del(key)
    else keys.put(key, namesFirst ? `${matches(filter, { name: key }) ? 0 : 1} ${sort(key)}` : sort(key))
  }
}
