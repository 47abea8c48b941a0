import { checkFolder } from '../paths.ts'
import type { LinkState, Store, Versioned } from '../store.ts'
import { checkOperation, exists, missing, notEmpty, stale } from '../tree.ts'
import { code, type Stat } from './client.ts'
import { bears, type Mark, seal, unseal } from './envelope.ts'
import { makeFolders, refused, secure, sync } from './records.ts'
import { isUnclear, type ZookeeperSession } from './session.ts'

/** What was found when an interrupted write was read back. */
type Found = { readonly version: number; readonly data: Buffer } | undefined

/**
 * The Store over a ZooKeeper session. A write whose connection broke is settled by reading back: the mark in front of the value
 * tells whether it is ours. (Where another session has written, or deleted, the record since, that is not to be seen any more:
 * the answer is then CONFLICT, or NOT_FOUND.)
 */
export class ZookeeperStore implements Store {
  readonly #session: ZookeeperSession
  readonly #writer: Uint8Array
  readonly #secured: boolean
  #ops = 0

  /** `writer`: 16 bytes, different for each session. `secured`: what is created is left to its creator alone. */
  constructor(session: ZookeeperSession, writer: Uint8Array, secured: boolean) {
    this.#session = session
    this.#writer = writer
    this.#secured = secured
  }

  get state(): LinkState {
    return this.#session.state
  }

  async get(path: string): Promise<Versioned | undefined> {
    checkOperation({ kind: 'get', path })
    const found = await this.#read(path, this.#session.deadline())
    return found && { value: unseal(found.data), version: found.version }
  }

  async list(path: string): Promise<string[]> {
    checkOperation({ kind: 'list', path })
    const full = this.#session.full(path)
    const deadline = this.#session.deadline()
    for (;;) {
      const { code: result, answers } = await this.#session.request<[string[] | null]>(path, deadline, (client, done) =>
        client.a_get_children(full, false, done),
      )
      if (result === code.ok) return answers[0]!.filter(name => full !== '/' || name !== 'zookeeper').sort()
      if (result === code.noNode) return []
      if (!isUnclear(result)) throw refused(path, result)
    }
  }

  async create(path: string, value: Uint8Array): Promise<number> {
    checkOperation({ kind: 'create', path, value })
    const deadline = this.#session.deadline()
    const full = this.#session.full(path)
    const mark = this.#mark()
    const sealed = seal(mark, value)
    for (let unclear = false; ; ) {
      const { code: result } = await this.#session.request<[string]>(path, deadline, (client, done) =>
        client.a_create(full, sealed, 0, done),
      )
      if (result === code.ok) break
      if (result === code.noNode) await makeFolders(this.#session, full, this.#secured, deadline)
      else if (isUnclear(result)) unclear = true
      else if (result !== code.nodeExists) throw refused(path, result)
      else if (!unclear || !isOurs(await this.#readBack(path, deadline), mark)) throw exists(path)
      else break
    }
    if (this.#secured) await secure(this.#session, full, deadline)
    return 0
  }

  async set(path: string, value: Uint8Array, version: number): Promise<number> {
    checkOperation({ kind: 'set', path, value, version })
    const deadline = this.#session.deadline()
    const full = this.#session.full(path)
    const mark = this.#mark()
    const sealed = seal(mark, value)
    for (let unclear = false; ; ) {
      const { code: result, answers } = await this.#session.request<[Stat | null]>(path, deadline, (client, done) =>
        client.a_set(full, sealed, version, done),
      )
      if (result === code.ok) return answers[0]!.version
      if (isUnclear(result)) unclear = true
      else if (result === code.noNode) throw missing(path)
      else if (result !== code.badVersion) throw refused(path, result)
      else if (!unclear) throw stale(path, version)
      else {
        const found = await this.#readBack(path, deadline)
        if (!isOurs(found, mark)) throw found ? stale(path, version, found.version) : missing(path)
        return found!.version
      }
    }
  }

  async delete(path: string, version: number): Promise<void> {
    checkOperation({ kind: 'delete', path, version })
    const deadline = this.#session.deadline()
    const full = this.#session.full(path)
    for (let unclear = false; ; ) {
      const { code: result } = await this.#session.request<[]>(path, deadline, (client, done) =>
        client.a_delete_(full, version, done),
      )
      if (result === code.ok) return
      if (isUnclear(result)) unclear = true
      else if (result === code.noNode) {
        if (unclear) return
        throw missing(path)
      } else if (result === code.badVersion) throw stale(path, version)
      else if (result === code.notEmpty) throw notEmpty(path)
      else throw refused(path, result)
    }
  }

  watch(path: string, changed: (what: 'data' | 'children') => void): () => void {
    checkFolder(path)
    return this.#session.watch(path, changed)
  }

  onState(listener: (state: LinkState) => void): () => void {
    return this.#session.onState(listener)
  }

  async close(): Promise<void> {
    this.#session.close()
  }

  #mark(): Mark {
    this.#ops += 1
    return { writer: this.#writer, op: this.#ops }
  }

  async #readBack(path: string, deadline: number): Promise<Found> {
    await sync(this.#session, this.#session.full(path), deadline)
    return this.#read(path, deadline)
  }

  async #read(path: string, deadline: number): Promise<Found> {
    const full = this.#session.full(path)
    for (;;) {
      const { code: result, answers } = await this.#session.request<[Stat | null, Buffer | null]>(
        path,
        deadline,
        (client, done) => client.a_get(full, false, done),
      )
      if (result === code.ok) return { version: answers[0]!.version, data: answers[1] ?? Buffer.alloc(0) }
      if (result === code.noNode) return undefined
      if (!isUnclear(result)) throw refused(path, result)
    }
  }
}

const isOurs = (found: Found, mark: Mark): boolean => found !== undefined && bears(found.data, mark)
