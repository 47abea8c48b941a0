import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { open, type RootDatabase } from 'lmdb'
import type { Logger } from 'pino'
import { Listeners, Watches } from '../listeners.ts'
import { checkFolder } from '../paths.ts'
import { type LinkState, type Store, StoreError, type Versioned } from '../store.ts'
import { type Change, checkOperation, isWrite, type Operation, perform } from '../tree.ts'
import { lockFolder } from './lock.ts'
import { LmdbRecords } from './records.ts'

/** The layout of the database; a reader takes this one only. */
const format = 1
/** Operations waiting for the disk; one more is refused with UNAVAILABLE. */
const maxWaiting = 100_000
/** Operations in one commit: bounds the pause that one causes. */
const maxBatch = 1_000

/** An entry outside the tree: no path makes a key without a NUL. */
const privateKey = (name: string): Buffer => Buffer.from(`.${name}`)

type Answer = Versioned | undefined | string[] | number
interface Waiting {
  readonly run: (changes: Change[]) => Answer
  readonly writes: boolean
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}
type Outcome = { readonly answer: Answer } | { readonly error: unknown }

/**
 * The Store of one machine: an lmdb database that one process holds. Operations are done in the order they were asked
 * for; those that wait together share one commit, and none is answered before it is flushed to disk.
 */
export class EmbeddedStore implements Store {
  readonly #db: RootDatabase<Buffer, Buffer>
  readonly #records: LmdbRecords
  readonly #folder: string
  readonly #release: () => void
  readonly #watches: Watches
  readonly #states: Listeners<[LinkState]>
  #state: LinkState = 'connected'
  #waiting: Waiting[] = []
  #pump: Promise<void> | undefined
  #closed: Promise<void> | undefined

  /** Throws FolderLockedError when another process holds the folder, and an error that names both formats when it was written by another version. */
  constructor(folder: string, log: Logger) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const lock = lockFolder(folder)
    try {
      this.#db = open<Buffer, Buffer>({
        path: join(folder, 'records'),
        encoding: 'binary',
        keyEncoding: 'binary',
        noSubdir: false,
        maxReaders: 8,
      })
      checkFormat(this.#db, folder)
    } catch (error) {
      lock.release()
      throw error
    }
    this.#records = new LmdbRecords(this.#db)
    this.#folder = folder
    this.#release = () => lock.release()
    const failed = (error: unknown) => log.error({ err: error }, 'a listener of the store failed')
    this.#watches = new Watches(failed)
    this.#states = new Listeners(failed)
  }

  get state(): LinkState {
    return this.#state
  }

  async get(path: string): Promise<Versioned | undefined> {
    return (await this.#do({ kind: 'get', path })) as Versioned | undefined
  }

  async list(path: string): Promise<string[]> {
    return (await this.#do({ kind: 'list', path })) as string[]
  }

  async create(path: string, value: Uint8Array): Promise<number> {
    return (await this.#do({ kind: 'create', path, value })) as number
  }

  async set(path: string, value: Uint8Array, version: number): Promise<number> {
    return (await this.#do({ kind: 'set', path, value, version })) as number
  }

  async delete(path: string, version: number): Promise<void> {
    await this.#do({ kind: 'delete', path, version })
  }

  watch(path: string, changed: (what: 'data' | 'children') => void): () => void {
    checkFolder(path)
    return this.#watches.add(path, changed)
  }

  onState(listener: (state: LinkState) => void): () => void {
    return this.#states.add(listener)
  }

  /** A number that grows with each call for this name, across restarts; durable when it resolves. */
  async nextSequence(name: string): Promise<number> {
    const key = privateKey(`sequence:${name}`)
    const answer = await this.#enqueue(true, () => {
      const next = this.#db.get(key)?.readUInt32LE(0) ?? 0
      const stored = Buffer.alloc(4)
      stored.writeUInt32LE(next + 1, 0)
      this.#db.put(key, stored)
      return next
    })
    return answer as number
  }

  /** Finishes what was asked for, then gives the folder back. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#finish()
    return this.#closed
  }

  async #finish(): Promise<void> {
    while (this.#pump) await this.#pump
    this.#watches.clear()
    this.#become('lost')
    await this.#db.close()
    this.#release()
  }

  #do(operation: Operation): Promise<Answer> {
    checkOperation(operation)
    return this.#enqueue(isWrite(operation), changes => perform(this.#records, operation, changes), operation.path)
  }

  #enqueue(writes: boolean, run: Waiting['run'], path = '/'): Promise<Answer> {
    if (this.#state === 'lost' || this.#closed)
      return Promise.reject(new StoreError('LOST', path, `the store in ${this.#folder} is closed`))
    if (this.#waiting.length >= maxWaiting)
      return Promise.reject(
        new StoreError('UNAVAILABLE', path, `${maxWaiting} operations wait for the disk already: try again later`),
      )
    return new Promise((resolve, reject) => {
      this.#waiting.push({ run, writes, resolve, reject })
      this.#pump ??= this.#drain()
    })
  }

  async #drain(): Promise<void> {
    await Promise.resolve() // what is asked for in the same turn shares the first commit
    while (this.#waiting.length > 0) await this.#commit(this.#waiting.splice(0, maxBatch))
    this.#pump = undefined
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    const changes: Change[] = []
    const outcomes: Outcome[] = []
    const all = () => {
      for (const { run } of batch) {
        try {
          outcomes.push({ answer: run(changes) })
        } catch (error) {
          outcomes.push({ error })
        }
      }
    }
    try {
      if (batch.some(({ writes }) => writes)) {
        await this.#db.transaction(all)
        await this.#db.flushed
      } else all()
    } catch (error) {
      this.#fail(batch, error)
      return
    }
    batch.forEach(({ resolve, reject }, index) => {
      const outcome = outcomes[index]!
      if ('error' in outcome) reject(outcome.error)
      else resolve(outcome.answer)
    })
    for (const change of changes) this.#watches.tell(change)
  }

  /** After a failed commit or flush nobody knows what is on disk: only opening it anew tells. */
  #fail(batch: readonly Waiting[], error: unknown): void {
    this.#become('lost')
    const reason = error instanceof Error ? error.message : String(error)
    const waiting = [...batch, ...this.#waiting.splice(0)]
    for (const { reject } of waiting)
      reject(new StoreError('LOST', '/', `the store in ${this.#folder} could not write to its disk: ${reason}`))
  }

  #become(state: LinkState): void {
    if (this.#state === state) return
    this.#state = state
    this.#states.tell(state)
  }
}

function checkFormat(db: RootDatabase<Buffer, Buffer>, folder: string): void {
  const key = privateKey('format')
  const found = db.get(key)
  if (found && found.readUInt32LE(0) !== format)
    throw new Error(
      `the store in ${folder} has format ${found.readUInt32LE(0)}; this version reads format ${format}: use the version that wrote it`,
    )
  if (found) return
  const stored = Buffer.alloc(4)
  stored.writeUInt32LE(format, 0)
  db.putSync(key, stored)
}
