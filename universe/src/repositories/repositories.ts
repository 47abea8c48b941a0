import type { Clock } from '@meseta/common/service/clock'
import type { Logger } from 'pino'
import type { Dispatcher } from 'undici'
import { Collection } from '../catalog/collection.ts'
import { isForUs } from '../formats/dcos-release.ts'
import { readDirectory } from '../formats/directory.ts'
import type { Contents } from '../formats/repository-json.ts'
import { CatalogError } from '../problems.ts'
import { withAdded, withDeleted } from './changes.ts'
import { readHttpRepository } from './http-repository.ts'
import { locate } from './location.ts'
import type { Repository, RepositoryRecord } from './record.ts'

/** A repository, and why it can not be read or which of its releases can not. */
export interface RepositoryStatus extends Repository {
  readonly error?: string
}

/** What was read of one repository, and when (monotonic ms; `expired` once the list has changed). */
interface Copy {
  readonly contents: Contents | undefined
  readonly error: string | undefined
  readonly at: number
}
const expired = Number.NEGATIVE_INFINITY

export interface RepositoriesOptions {
  readonly record: RepositoryRecord
  readonly agent: Dispatcher
  readonly clock: Clock
  readonly log: Logger
  readonly builtInFolder: string
  /** Whether the API may add folders of this machine. */
  readonly allowFolders: boolean
}

/** How long what was read counts as new (catalog contract 2). */
const freshness = 60_000
/** How long a call waits for repositories that have not been read since the list changed; then it is served with what is there. */
const patience = 5_000

/**
 * The repositories and what they hold. A copy older than a minute is served once more while a new one is fetched; a repository
 * that can not be read keeps its last copy, is marked, and stands in nobody's way.
 */
export class Repositories {
  readonly #options: RepositoriesOptions
  readonly #copies = new Map<string, Copy>()
  readonly #reading = new Map<string, Promise<void>>()
  readonly #listeners = new Set<() => void>()
  #merged: { readonly of: readonly (Copy | undefined)[]; readonly collection: Collection } | undefined

  constructor(options: RepositoriesOptions) {
    this.#options = options
  }

  /** All packages of all repositories, merged. */
  async collection(): Promise<Collection> {
    const list = await this.#options.record.read()
    await this.#refresh(list)
    return this.#merge(list)
  }

  async list(): Promise<RepositoryStatus[]> {
    const list = await this.#options.record.read()
    await this.#refresh(list)
    return list.map(repository => this.#status(repository))
  }

  /** Reads the repository first, and adds it when it can be read. Throws `CatalogError`. */
  async add(added: Repository, index: number | undefined): Promise<RepositoryStatus[]> {
    const location = locate(added)
    if (location.kind === 'folder' && !this.#options.allowFolders) {
      throw new CatalogError('UnsupportedRepositoryUri', { uri: added.uri })
    }
    withAdded(await this.#options.record.read(), added, index)
    const contents = await this.#read(added, true)
    const list = await this.#options.record.update(before => withAdded(before, added, index))
    this.#expireAll()
    this.#keep(added.uri, contents, undefined)
    await this.#refresh(list)
    return list.map(repository => this.#status(repository))
  }

  async delete(wanted: { name?: string; uri?: string }): Promise<RepositoryStatus[]> {
    const list = await this.#options.record.update(before => withDeleted(before, wanted))
    this.#expireAll()
    await this.#refresh(list)
    return list.map(repository => this.#status(repository))
  }

  /** Calls back when the list or what a repository holds may have changed. Answers a function that ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #status({ name, uri }: Repository): RepositoryStatus {
    const error = this.#copies.get(uri)?.error
    return error === undefined ? { name, uri } : { name, uri, error }
  }

  #merge(list: readonly Repository[]): Collection {
    const copies = list.map(({ uri }) => this.#copies.get(uri))
    const known = this.#merged
    if (
      known &&
      known.of.length === copies.length &&
      copies.every((copy, i) => copy?.contents === known.of[i]?.contents)
    ) {
      return known.collection
    }
    const sources = list.map(({ uri }, i) => ({
      uri,
      packages: (copies[i]?.contents?.packages ?? []).filter(one => isForUs(one.minDcosReleaseVersion)),
    }))
    this.#merged = { of: copies, collection: new Collection(sources) }
    return this.#merged.collection
  }

  async #refresh(list: readonly Repository[]): Promise<void> {
    this.#forgetOthers(list)
    const now = this.#options.clock.monotonic()
    const waiting: Promise<void>[] = []
    for (const repository of list) {
      const copy = this.#copies.get(repository.uri)
      if (copy && now - copy.at < freshness) continue
      const reading = this.#reading.get(repository.uri) ?? this.#fetch(repository)
      if (copy === undefined || copy.at === expired) waiting.push(reading)
    }
    if (waiting.length === 0) return
    let timer: { cancel(): void } | undefined
    const tired = new Promise<void>(resolve => {
      timer = this.#options.clock.after(patience, resolve)
    })
    await Promise.race([Promise.all(waiting), tired])
    timer?.cancel()
  }

  /** The next call reads all anew. Of those that can not be read the old copies stay. */
  #expireAll(): void {
    for (const [uri, copy] of this.#copies) this.#copies.set(uri, { ...copy, at: expired })
  }

  #forgetOthers(list: readonly Repository[]): void {
    for (const uri of this.#copies.keys()) {
      if (!list.some(repository => repository.uri === uri)) this.#copies.delete(uri)
    }
  }

  #fetch(repository: Repository): Promise<void> {
    const { uri, name } = repository
    const reading = this.#read(repository, false)
      .then(
        contents => this.#keep(uri, contents, undefined),
        error => {
          this.#options.log.warn({ repository: name, uri, reason: (error as Error).message }, 'repository not read')
          this.#keep(uri, this.#copies.get(uri)?.contents, (error as Error).message)
        },
      )
      .finally(() => this.#reading.delete(uri))
    this.#reading.set(uri, reading)
    return reading
  }

  #read(repository: Repository, adding: boolean): Promise<Contents> {
    const location = locate(repository)
    if (location.kind === 'http') {
      const { agent, clock } = this.#options
      return readHttpRepository(repository, { agent, clock, adding })
    }
    const folder = location.kind === 'built-in' ? this.#options.builtInFolder : location.path
    return readDirectory(folder, { strict: false }).catch(error => {
      throw new CatalogError('RepositoryUriConnection', { repository, cause: (error as Error).message })
    })
  }

  #keep(uri: string, contents: Contents | undefined, error: string | undefined): void {
    const at = this.#options.clock.monotonic()
    this.#copies.set(uri, { contents, error: error ?? skippedSentence(contents), at })
    for (const listener of this.#listeners) listener()
  }
}

function skippedSentence(contents: Contents | undefined): string | undefined {
  const [first] = contents?.skipped ?? []
  if (first === undefined) return undefined
  return `${contents!.skipped.length} release(s) can not be read, the first is ${first.release}: ${first.reason}`
}
