import type { Store } from '@meseta/common/coordination/store'
import { StoreError } from '@meseta/common/coordination/store'
import type { Clock } from '@meseta/common/service/clock'
import type { Health } from '@meseta/common/service/health'
import type { Write } from '../core/effects.ts'
import type { Stored } from '../core/load.ts'
import { type LogEntry, paths, recordFormat } from '../core/records.ts'

/** Reads and writes that run beside each other. */
const parallel = 32
const retryAfter = 1_000
const stored = 'changes are stored'

export interface RecordsOptions {
  readonly store: Store
  readonly clock: Clock
  readonly health: Health
  /** The folder of Marathon's records: `/marathon/state`. */
  readonly base: string
  /** The store is gone, or refuses: the process can not go on. */
  failed(error: Error): void
}

/** Marathon's records in the store. Writes join: while some are on their way, the newest of each record waits for the next round. */
export class Records {
  readonly #options: RecordsOptions
  readonly #versions = new Map<string, number>()
  #waiting = new Map<string, Write>()
  #writing = false
  #given = 0
  #durable = 0
  #listeners: (() => void)[] = []
  #closed = false

  constructor(options: RecordsOptions) {
    this.#options = options
    options.store.onState(state => {
      if (state === 'suspended') this.#sayThatItWaits()
      else if (state === 'connected') options.health.set('store', 'ok', stored)
    })
  }

  /** The number of the newest write given; durable once `durable` has reached it. */
  get given(): number {
    return this.#given
  }

  get durable(): number {
    return this.#durable
  }

  /** Takes writes in order; answers the number under which they become durable. */
  write(writes: readonly Write[]): number {
    for (const one of writes) {
      this.#waiting.delete(one.path)
      this.#waiting.set(one.path, one)
    }
    this.#given += 1
    if (!this.#writing) void this.#run()
    return this.#given
  }

  /** Calls back each time that more has become durable. */
  onDurable(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** Resolves when all that was given is durable, or nothing will be any more. */
  async close(): Promise<void> {
    while (this.#writing && this.#options.store.state === 'connected') {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#listeners.push(resolve)
      await promise
    }
    this.#closed = true
  }

  async #run(): Promise<void> {
    this.#writing = true
    try {
      while (this.#waiting.size > 0 && !this.#closed) {
        const batch = [...this.#waiting.values()]
        const upTo = this.#given
        this.#waiting = new Map()
        for (const phase of phases(batch)) await inParallel(phase, one => this.#persist(one))
        this.#durable = upTo
        this.#options.health.set('store', 'ok', stored)
        for (const listener of this.#listeners) listener()
      }
    } catch (error) {
      if (!this.#closed) this.#options.failed(error instanceof Error ? error : new Error(String(error)))
    } finally {
      this.#writing = false
      for (const listener of this.#listeners) listener()
    }
  }

  /** Until it is done: what cannot be stored now is tried again, and nothing that needs it goes on. */
  async #persist(write: Write): Promise<void> {
    for (;;) {
      try {
        await this.#once(write)
        return
      } catch (error) {
        if (!(error instanceof StoreError) || this.#closed) throw error
        if (error.code === 'CONFLICT' || error.code === 'NOT_FOUND') await this.#learn(write.path)
        else if (error.code === 'UNAVAILABLE') await this.#pause()
        else throw error
      }
    }
  }

  async #once({ path, value }: Write): Promise<void> {
    const { store } = this.#options
    const full = this.#full(path)
    const version = this.#versions.get(path)
    if (value === null) {
      if (version !== undefined) await store.delete(full, version)
      this.#versions.delete(path)
      return
    }
    const bytes = Buffer.from(value)
    const next = version === undefined ? await store.create(full, bytes) : await store.set(full, bytes, version)
    this.#versions.set(path, next)
  }

  /** Only the leader writes: a version that is not as expected is from a write of ours whose answer was lost. */
  async #learn(path: string): Promise<void> {
    try {
      const found = await this.#options.store.get(this.#full(path))
      if (found === undefined) this.#versions.delete(path)
      else this.#versions.set(path, found.version)
    } catch (error) {
      if (error instanceof StoreError && error.code === 'UNAVAILABLE') await this.#pause()
      else throw error
    }
  }

  #pause(): Promise<void> {
    this.#sayThatItWaits()
    return new Promise(resolve => {
      this.#options.clock.after(retryAfter, resolve)
    })
  }

  #sayThatItWaits(): void {
    this.#options.health.set('store', 'degraded', 'the store can not be reached: changes wait until it is back')
  }

  #full(path: string): string {
    return `${this.#options.base}/${path}`
  }

  /**
   * Reads everything, once: nobody else writes while this process leads. It begins with a write, since a server may be behind
   * in what it tells a session that has not written yet (design decision 5).
   */
  async takeOver(): Promise<Stored> {
    await this.#learn(paths.epoch)
    await this.#persist({ path: paths.epoch, value: JSON.stringify({ format: recordFormat }) })
    const framework = await this.#read<{ id: string }>(paths.framework)
    const logNames = await this.#list(paths.log)
    const log = await inParallel(logNames, name => this.#readEntry(name))
    const doneNames = await this.#list(paths.done)
    await inParallel(doneNames, name => this.#read(`${paths.done}/${name}`))
    const versions = await this.#readNested<{ service: Stored['versions'][number] }>(paths.versions)
    const chunks = await this.#readNested<{ instances: Stored['instances'] }>(paths.instances)
    const failures = await this.#readAll<{ failure: Stored['failures'][number] }>(paths.failures)
    return {
      ...(framework && { frameworkId: framework.id }),
      log: log.filter(entry => entry !== undefined),
      done: new Set(doneNames.map(Number)),
      services: await this.#readAll(paths.services),
      versions: versions.map(one => one.service),
      groups: await this.#readAll(paths.groups),
      instances: chunks.flatMap(one => one.instances),
      failures: failures.map(one => one.failure),
    }
  }

  async #readAll<T>(folder: string): Promise<T[]> {
    const names = await this.#list(folder)
    const found = await inParallel(names, name => this.#read<T>(`${folder}/${name}`))
    return found.filter(one => one !== undefined)
  }

  async #readNested<T>(folder: string): Promise<T[]> {
    const names = await this.#list(folder)
    const found = await inParallel(names, name => this.#readAll<T>(`${folder}/${name}`))
    return found.flat()
  }

  async #readEntry(name: string): Promise<LogEntry | undefined> {
    const record = await this.#read<{ entry?: LogEntry; parts?: number }>(`${paths.log}/${name}`)
    if (record?.parts === undefined) return record?.entry
    const numbers = Array.from({ length: record.parts }, (_, index) => String(index).padStart(10, '0'))
    const parts = await inParallel(numbers, part => this.#read<{ text: string }>(`${paths.parts}/${name}/${part}`))
    return JSON.parse(parts.map(part => part?.text ?? '').join('')) as LogEntry
  }

  #list(folder: string): Promise<string[]> {
    return this.#options.store.list(this.#full(folder))
  }

  async #read<T>(path: string): Promise<T | undefined> {
    const found = await this.#options.store.get(this.#full(path))
    if (found === undefined || found.value.length === 0) return undefined
    this.#versions.set(path, found.version)
    const record = JSON.parse(Buffer.from(found.value).toString('utf8')) as T & { format?: number }
    if (record.format !== recordFormat)
      throw new Error(
        `the record ${this.#full(path)} has format ${record.format}, and this version of Marathon reads ${recordFormat}: run the version that wrote it`,
      )
    return record
  }
}

/** Parts before the entry they belong to, the entry before what follows from it, and what deletes entries last. */
function phases(batch: readonly Write[]): Write[][] {
  const starts = (write: Write, folder: string): boolean => write.path.startsWith(`${folder}/`)
  const rank = (write: Write): number => {
    if (write.value === null && (starts(write, paths.log) || starts(write, paths.parts) || starts(write, paths.done)))
      return starts(write, paths.log) ? 3 : 4
    if (starts(write, paths.parts) || write.path === paths.framework) return 0
    return starts(write, paths.log) ? 1 : 2
  }
  const ordered: Write[][] = [[], [], [], [], []]
  for (const write of batch) ordered[rank(write)]?.push(write)
  return ordered.filter(phase => phase.length > 0)
}

async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(items.length)
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const at = next
      next += 1
      results[at] = await work(items[at] as T)
    }
  }
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, worker))
  return results
}
