import type { Store } from '@meseta/common/coordination/store'
import type { MasterInfo } from '@meseta/common/protocol/mesos'
import type { RegisteredAgent, RegistryEntry } from '../state/commands.ts'
import type { RegistryChange } from '../state/effects.ts'
import { bucketCount, bucketOf, decodeBucket, encodeBucket, registryFormat } from './buckets.ts'

const root = '/master/registry'
const layoutPath = `${root}/layout`
const leaderPath = '/master/leader'

interface Layout {
  readonly format: number
  readonly buckets: number
  readonly cluster_id: string
}

interface Waiting {
  readonly change: RegistryChange
  readonly done: () => void
  readonly failed: (error: Error) => void
}

interface Bucket {
  readonly path: string
  entries: Map<string, RegistryEntry>
  /** The record's version; undefined while there is none. */
  version: number | undefined
  /** What the next write takes along. */
  waiting: Waiting[]
  writing: boolean
}

/**
 * The durable part of the master's state: which agents are admitted, unreachable or gone (Mesos contract 7.1), spread over
 * hashed records. A bucket has one write in flight; changes that come meanwhile join the next one. Only the leader writes, so it
 * reads once and then trusts the versions it knows: a conflict means that it leads no longer.
 */
export class Registrar {
  readonly #store: Store
  readonly #buckets: Bucket[] = []
  #queued = 0

  constructor(store: Store) {
    this.#store = store
  }

  /** Changes that are not durable yet. */
  get queued(): number {
    return this.#queued
  }

  /** Bytes of all records, as last written. */
  get sizeBytes(): number {
    return this.#buckets.reduce(
      (sum, bucket) => sum + (bucket.entries.size > 0 ? encodeBucket(bucket.entries).length : 0),
      0,
    )
  }

  /** Reads the registry and writes who leads now. A first leader gives the cluster its id. */
  async recover(masterInfo: MasterInfo): Promise<{ agents: RegisteredAgent[]; clusterId: string }> {
    const { buckets, cluster_id: clusterId } = await this.#readLayout(masterInfo.id)
    const names = new Set(await this.#store.list(root))
    for (let number = 0; number < buckets; number++) {
      const path = `${root}/${String(number).padStart(4, '0')}`
      this.#buckets.push({ path, entries: new Map(), version: undefined, waiting: [], writing: false })
    }
    await Promise.all(
      this.#buckets.filter(({ path }) => names.has(path.slice(root.length + 1))).map(bucket => this.#read(bucket)),
    )
    await this.#writeLeader(masterInfo)
    const agents = this.#buckets.flatMap(({ entries }) => [...entries].map(([id, entry]) => ({ id, entry })))
    return { agents, clusterId }
  }

  /** Resolves when the change is durable. A rejection means that this master must not lead any longer. */
  apply(change: RegistryChange): Promise<void> {
    const bucket = this.#buckets[bucketOf(change.id, this.#buckets.length)]
    if (!bucket) return Promise.reject(new Error('the registry has not been read yet'))
    this.#queued++
    return new Promise((done, failed) => {
      bucket.waiting.push({ change, done, failed })
      if (!bucket.writing) void this.#write(bucket)
    })
  }

  async #write(bucket: Bucket): Promise<void> {
    bucket.writing = true
    while (bucket.waiting.length > 0) {
      const batch = bucket.waiting
      bucket.waiting = []
      const entries = new Map(bucket.entries)
      for (const { change } of batch) {
        if (change.entry) entries.set(change.id, change.entry)
        else entries.delete(change.id)
      }
      try {
        await this.#put(bucket, encodeBucket(entries))
        bucket.entries = entries
        this.#queued -= batch.length
        for (const { done } of batch) done()
      } catch (error) {
        this.#queued -= batch.length
        for (const { failed } of batch) failed(error as Error)
      }
    }
    bucket.writing = false
  }

  async #put(bucket: Bucket, value: Uint8Array): Promise<void> {
    bucket.version =
      bucket.version === undefined
        ? await this.#store.create(bucket.path, value)
        : await this.#store.set(bucket.path, value, bucket.version)
  }

  async #read(bucket: Bucket): Promise<void> {
    const record = await this.#store.get(bucket.path)
    if (!record) return
    bucket.version = record.version
    bucket.entries = decodeBucket(bucket.path, record.value)
  }

  /** The number of buckets is the registry's own, so that it can be changed for a larger cluster. */
  async #readLayout(newClusterId: string): Promise<Layout> {
    const record = await this.#store.get(layoutPath)
    if (!record) {
      const layout = { format: registryFormat, buckets: bucketCount, cluster_id: newClusterId }
      await this.#store.create(layoutPath, Buffer.from(JSON.stringify(layout)))
      return layout
    }
    const layout = JSON.parse(Buffer.from(record.value).toString('utf8')) as Layout
    if (layout.format !== registryFormat)
      throw new Error(
        `${layoutPath} is of registry format ${layout.format}, and this master reads format ${registryFormat}; run the version that wrote it`,
      )
    return layout
  }

  async #writeLeader(masterInfo: MasterInfo): Promise<void> {
    const value = Buffer.from(JSON.stringify({ format: registryFormat, master_info: masterInfo }))
    const before = await this.#store.get(leaderPath)
    if (before) await this.#store.set(leaderPath, value, before.version)
    else await this.#store.create(leaderPath, value)
  }
}
