import { type Store, StoreError } from '@meseta/common/coordination/store'
import type { Clock, Timer } from '@meseta/common/service/clock'
import { CatalogError } from '../problems.ts'
import { packEnvelope, unpackEnvelope } from '../render/envelope.ts'
import { type Json, member, parseJson, stringifyJson } from '../render/json.ts'

/** One entry of the ordered list of repositories; the first has the highest priority. */
export interface Repository {
  readonly name: string
  readonly uri: string
}

/** The record has the place and the form that it has in DC/OS (catalog contract 8). */
export const repositoriesPath = '/cosmos/package/repositories'
const contentType = 'application/vnd.dcos.package.repository.repo-list+json;charset=utf-8;version=v1'

/** A record holds 512 KiB; long before that a list is a mistake. */
export const maxRepositories = 200

const timeLimit = 5_000

/** The list of repositories in the Store: every change is one write that fails when another came between. */
export class RepositoryRecord {
  readonly #store: Store
  readonly #clock: Clock
  readonly #initial: readonly Repository[]

  /** `initial` is the list where none is stored yet. */
  constructor(store: Store, clock: Clock, initial: readonly Repository[]) {
    this.#store = store
    this.#clock = clock
    this.#initial = initial
  }

  async read(): Promise<readonly Repository[]> {
    return (await this.#load()).list
  }

  /** Calls back after each change of the list, also by another process. Answers a function that ends it. */
  watch(changed: () => void): () => void {
    return this.#store.watch(repositoriesPath, changed)
  }

  /**
   * Writes what `change` makes of the list, and answers it; durable when it resolves. Throws `ConcurrentAccess` when somebody
   * else wrote meanwhile, `TimeoutError` when the store does not answer.
   */
  async update(change: (list: readonly Repository[]) => readonly Repository[]): Promise<readonly Repository[]> {
    const { list, version } = await this.#load()
    const changed = change(list)
    if (changed.length > maxRepositories) throw new CatalogError('TooManyRepositories', { max: maxRepositories })
    const bytes = encode(changed)
    await this.#limited(async () => {
      if (version === undefined) await this.#store.create(repositoriesPath, bytes)
      else await this.#store.set(repositoriesPath, bytes, version)
    }, 'write')
    return changed
  }

  async #load(): Promise<{ list: readonly Repository[]; version: number | undefined }> {
    const stored = await this.#limited(() => this.#store.get(repositoriesPath), 'read')
    if (stored === undefined) return { list: this.#initial, version: undefined }
    // An empty record is a parent that came into being with a child: nobody has written a list.
    if (stored.value.length === 0) return { list: this.#initial, version: stored.version }
    return { list: decode(stored.value), version: stored.version }
  }

  async #limited<Result>(work: () => Promise<Result>, operation: string): Promise<Result> {
    let timer: Timer | undefined
    const tooLate = new Promise<never>((_, reject) => {
      const error = new StoreError('UNAVAILABLE', repositoriesPath, 'no answer in time')
      timer = this.#clock.after(timeLimit, () => reject(error))
    })
    try {
      return await Promise.race([work(), tooLate])
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      if (error.code === 'CONFLICT' || error.code === 'NOT_FOUND') throw new CatalogError('ConcurrentAccess', {})
      if (error.code !== 'UNAVAILABLE' && error.code !== 'LOST') throw error
      throw new CatalogError('TimeoutError', { operation, destination: repositoriesPath, timeout: '5 seconds' })
    } finally {
      timer?.cancel()
    }
  }
}

function encode(list: readonly Repository[]): Uint8Array {
  const entries = list.map(({ name, uri }) => ({ name, uri }))
  return Buffer.from(stringifyJson(packEnvelope(contentType, entries)))
}

function decode(bytes: Uint8Array): Repository[] {
  const { data } = unpackEnvelope(parseJson(Buffer.from(bytes).toString('utf8')))
  if (!Array.isArray(data)) throw new Error(`the record ${repositoriesPath} holds no list of repositories`)
  return data.map(entry => ({ name: textOf(entry, 'name'), uri: textOf(entry, 'uri') }))
}

function textOf(entry: Json, key: string): string {
  const value = member(entry, key)
  if (typeof value === 'string') return value
  throw new Error(`the record ${repositoriesPath} has an entry without ${key}`)
}
