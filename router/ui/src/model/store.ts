import type { Kind, Objects } from './objects.ts'

/** The newest body of each object, by kind and key. A list is made anew only after a change of its kind. Pure. */
export class Store {
  readonly #kinds = new Map<string, Map<string, unknown>>()
  readonly #versions = new Map<string, number>()
  readonly #lists = new Map<string, { version: number; list: readonly unknown[] }>()

  put(kind: string, key: string, body: unknown): void {
    const objects = this.#kinds.get(kind) ?? new Map<string, unknown>()
    this.#kinds.set(kind, objects)
    objects.set(key, body)
    this.#changed(kind)
  }

  del(kind: string, key: string): void {
    if (this.#kinds.get(kind)?.delete(key)) this.#changed(kind)
  }

  /** Grows with each change of an object of this kind. */
  version(kind: Kind): number {
    return this.#versions.get(kind) ?? 0
  }

  get<K extends Kind>(kind: K, key: string): Objects[K] | undefined {
    return this.#kinds.get(kind)?.get(key) as Objects[K] | undefined
  }

  /** The same array until an object of this kind changes. */
  all<K extends Kind>(kind: K): readonly Objects[K][] {
    const version = this.version(kind)
    const known = this.#lists.get(kind)
    if (known?.version === version) return known.list as readonly Objects[K][]
    const list = [...(this.#kinds.get(kind)?.values() ?? [])]
    this.#lists.set(kind, { version, list })
    return list as readonly Objects[K][]
  }

  entries<K extends Kind>(kind: K): readonly (readonly [string, Objects[K]])[] {
    return [...(this.#kinds.get(kind) ?? [])] as [string, Objects[K]][]
  }

  size(kind: Kind): number {
    return this.#kinds.get(kind)?.size ?? 0
  }

  #changed(kind: string): void {
    this.#versions.set(kind, (this.#versions.get(kind) ?? 0) + 1)
  }
}
