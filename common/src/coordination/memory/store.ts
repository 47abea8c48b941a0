import { checkFolder } from '../paths.ts'
import type { LinkState, Store, Versioned } from '../store.ts'
import type { MemorySession } from './session.ts'

/** The Store over a session in memory. */
export class MemoryStore implements Store {
  readonly #session: MemorySession

  constructor(session: MemorySession) {
    this.#session = session
  }

  get state(): LinkState {
    return this.#session.state
  }

  async get(path: string): Promise<Versioned | undefined> {
    const found = (await this.#session.submit({ kind: 'get', path })) as Versioned | undefined
    return found && { value: Uint8Array.from(found.value), version: found.version }
  }

  async list(path: string): Promise<string[]> {
    return (await this.#session.submit({ kind: 'list', path })) as string[]
  }

  async create(path: string, value: Uint8Array): Promise<number> {
    return (await this.#session.submit({ kind: 'create', path, value })) as number
  }

  async set(path: string, value: Uint8Array, version: number): Promise<number> {
    return (await this.#session.submit({ kind: 'set', path, value, version })) as number
  }

  async delete(path: string, version: number): Promise<void> {
    await this.#session.submit({ kind: 'delete', path, version })
  }

  watch(path: string, changed: (what: 'data' | 'children') => void): () => void {
    checkFolder(path)
    return this.#session.watches.add(path, changed)
  }

  onState(listener: (state: LinkState) => void): () => void {
    return this.#session.onState(listener)
  }

  async close(): Promise<void> {
    this.#session.close()
  }
}
