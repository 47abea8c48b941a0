import type { CheckpointStore } from './store.ts'

/** Checkpoints in memory, for simulations and tests: what was resolved is there, as on a disk. */
export class MemoryCheckpoints implements CheckpointStore {
  readonly #files = new Map<string, Uint8Array>()
  readonly #links = new Map<string, string>()

  async write(path: string, text: string): Promise<void> {
    this.#files.set(path, Buffer.from(text))
  }

  async append(path: string, text: string): Promise<void> {
    this.#files.set(path, Buffer.concat([this.#files.get(path) ?? new Uint8Array(), Buffer.from(text)]))
  }

  async truncate(path: string, length: number): Promise<void> {
    this.#files.set(path, (this.#files.get(path) ?? new Uint8Array()).subarray(0, length))
  }

  async link(path: string, target: string): Promise<void> {
    this.#links.set(path, target)
  }

  async readLink(path: string): Promise<string | undefined> {
    return this.#links.get(path)
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    return this.#files.get(path)
  }

  async list(path: string): Promise<string[]> {
    const prefix = `${path}/`
    const names = new Set<string>()
    for (const known of [...this.#files.keys(), ...this.#links.keys()])
      if (known.startsWith(prefix)) names.add(known.slice(prefix.length).split('/', 1)[0] ?? '')
    return [...names].sort()
  }

  async remove(path: string): Promise<void> {
    for (const map of [this.#files, this.#links])
      for (const known of [...map.keys()]) if (known === path || known.startsWith(`${path}/`)) map.delete(known)
  }
}
