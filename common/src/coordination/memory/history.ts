import { nameOf, parentOf } from '../paths.ts'
import type { Versioned } from '../store.ts'
import type { Records } from '../tree.ts'

/** How many changes back a reader may be. */
const depth = 200

interface Entry {
  readonly at: number
  readonly record: Versioned | undefined
}

/** The records of a tree in memory, as they are now and as they were up to 200 changes ago. */
export class History implements Records {
  /** How many changes there have been. */
  now = 0
  readonly #entries = new Map<string, Entry[]>()
  readonly #children = new Map<string, Set<string>>()
  readonly #changed: { readonly at: number; readonly path: string }[] = []

  get(path: string): Versioned | undefined {
    return this.#entries.get(path)?.at(-1)?.record
  }

  put(path: string, record: Versioned): void {
    this.#change(path, { value: Uint8Array.from(record.value), version: record.version })
    const names = this.#children.get(parentOf(path)) ?? new Set()
    this.#children.set(parentOf(path), names.add(nameOf(path)))
  }

  remove(path: string): void {
    this.#change(path, undefined)
  }

  names(path: string): string[] {
    return this.asOf(this.now).names(path)
  }

  hasChildren(path: string): boolean {
    return this.names(path).length > 0
  }

  /** The tree after the first `at` changes, to read from. */
  asOf(at: number): Pick<Records, 'get' | 'names'> {
    const get = (path: string) => this.#entries.get(path)?.findLast(entry => entry.at <= at)?.record
    const names = (path: string) =>
      [...(this.#children.get(path) ?? [])].filter(name => get(path === '/' ? `/${name}` : `${path}/${name}`))
    return { get, names }
  }

  /** The oldest state that can still be read. */
  get oldest(): number {
    return Math.max(0, this.now - depth)
  }

  #change(path: string, record: Versioned | undefined): void {
    this.now += 1
    const entries = this.#entries.get(path) ?? []
    entries.push({ at: this.now, record })
    this.#entries.set(path, entries)
    this.#changed.push({ at: this.now, path })
    while (this.#changed[0]!.at < this.oldest) this.#forget(this.#changed.shift()!.path)
  }

  /** Drops what was replaced before the oldest state. */
  #forget(path: string): void {
    const entries = this.#entries.get(path)
    if (!entries) return
    while (entries.length > 1 && entries[1]!.at <= this.oldest) entries.shift()
    if (entries.length > 1 || entries[0]!.record) return
    this.#entries.delete(path)
    const names = this.#children.get(parentOf(path))
    names?.delete(nameOf(path))
    if (names?.size === 0) this.#children.delete(parentOf(path))
  }
}
