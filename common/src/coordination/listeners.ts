import type { Change } from './tree.ts'

/** Functions to be told of something; a failing one does not keep the others from being told. */
export class Listeners<Args extends unknown[]> {
  readonly #all = new Set<(...args: Args) => void>()
  readonly #failed: (error: unknown) => void

  constructor(failed: (error: unknown) => void) {
    this.#failed = failed
  }

  /** Answers a function that takes the listener off again. */
  add(listener: (...args: Args) => void): () => void {
    const own = (...args: Args) => listener(...args)
    this.#all.add(own)
    return () => this.#all.delete(own)
  }

  tell(...args: Args): void {
    for (const listener of [...this.#all]) {
      if (!this.#all.has(listener)) continue
      try {
        listener(...args)
      } catch (error) {
        this.#failed(error)
      }
    }
  }

  get size(): number {
    return this.#all.size
  }

  clear(): void {
    this.#all.clear()
  }
}

/** Listeners by path. */
export class Watches {
  readonly #byPath = new Map<string, Listeners<[Change['what']]>>()
  readonly #failed: (error: unknown) => void

  constructor(failed: (error: unknown) => void) {
    this.#failed = failed
  }

  add(path: string, changed: (what: Change['what']) => void): () => void {
    let here = this.#byPath.get(path)
    if (!here) {
      here = new Listeners(this.#failed)
      this.#byPath.set(path, here)
    }
    const listeners = here
    const off = listeners.add(changed)
    return () => {
      off()
      if (listeners.size === 0 && this.#byPath.get(path) === listeners) this.#byPath.delete(path)
    }
  }

  has(path: string): boolean {
    return this.#byPath.has(path)
  }

  paths(): string[] {
    return [...this.#byPath.keys()]
  }

  tell(change: Change): void {
    this.#byPath.get(change.path)?.tell(change.what)
  }

  clear(): void {
    this.#byPath.clear()
  }
}
