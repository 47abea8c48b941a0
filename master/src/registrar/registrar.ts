import type { Store } from '@meseta/common/coordination/store'
import type { MasterInfo } from '@meseta/common/protocol/mesos'
import type { RegisteredAgent, Settings } from '../state/commands.ts'
import type { RegistryChange } from '../state/effects.ts'
import { Placement, registryShape } from './placement.ts'
import { baseBytes, decodeRecord, encodeRecord, type Kept, keep, readRecord, registryFormat } from './record.ts'
import { SettingRecords } from './settings.ts'

const root = '/master/registry'
const layoutPath = `${root}/layout`
const leaderPath = '/master/leader'

/** What a new leader finds. */
export interface Recovered {
  readonly agents: RegisteredAgent[]
  readonly settings: Settings
  readonly clusterId: string
}

/** A change to one record: the new copy of an entry, or that it no longer lies there. */
interface Waiting {
  readonly id: string
  readonly kept: Kept | undefined
  readonly done: () => void
  readonly failed: (error: Error) => void
}

interface RegistryRecord {
  readonly number: number
  readonly path: string
  /** What it will take, with all that waits. */
  planned: number
  entries: ReadonlyMap<string, Kept>
  /** The record's version; undefined while there is none. */
  version: number | undefined
  /** What the next write takes along. */
  waiting: Waiting[]
  writing: boolean
}

/**
 * The durable part of the master's state: which agents are admitted, unreachable or gone (Mesos contract 7.1), spread over
 * records of at most 256 KiB. A record has one write in flight; changes that come meanwhile join the next one, and those of one
 * entry are done one after the other. What operators set is a record each. Only the leader writes, so it reads once and then trusts the versions it knows: a conflict
 * means that it leads no longer.
 *
 * An entry that outgrows its record moves: first its new copy is written to another record, then the old one is taken out, and
 * only then the change is done. Whoever reads between the two finds both; as nothing was promised yet either may be kept, and
 * the other is taken out before anything else. The entry does not change again before, so no old copy outlives it.
 */
export class Registrar {
  readonly #store: Store
  readonly #placement: Placement<RegistryRecord>
  /** The last change of each entry that is not durable yet. */
  readonly #underway = new Map<string, Promise<void>>()
  readonly #settings: SettingRecords
  #recovered = false
  #queued = 0

  constructor(store: Store, shape = registryShape) {
    this.#store = store
    this.#placement = new Placement(newRecord, shape)
    this.#settings = new SettingRecords(store, root)
  }

  /** Changes that are not durable yet. */
  get queued(): number {
    return this.#queued
  }

  /** Bytes of all records, with what is being written. */
  get sizeBytes(): number {
    return this.#placement.records.reduce((sum, { planned }) => sum + (planned > baseBytes ? planned : 0), 0)
  }

  /** Reads the registry and writes who leads now. A first leader gives the cluster its id. */
  async recover(masterInfo: MasterInfo): Promise<Recovered> {
    const clusterId = await this.#readLayout(masterInfo.id)
    const numbers = (await this.#store.list(root)).filter(name => /^\d{4,}$/.test(name)).map(Number)
    await Promise.all(numbers.map(number => this.#read(this.#placement.record(number))))
    await this.#endMoves()
    const settings = await this.#settings.read()
    await this.#writeLeader(masterInfo)
    this.#recovered = true
    const agents = [...this.#placement.all()].map(({ kept: { id, entry } }) => ({ id, entry }))
    return { agents, settings, clusterId }
  }

  /** Resolves when the change is durable. A rejection means that this master must not lead any longer. */
  async apply(change: RegistryChange): Promise<void> {
    if (!this.#recovered) throw new Error('the registry has not been read yet')
    this.#queued++
    const key = 'setting' in change ? change.setting : change.id
    const before = this.#underway.get(key)
    const done = before ? before.then(() => this.#change(change)) : this.#change(change)
    this.#underway.set(key, done)
    try {
      await done
    } finally {
      this.#queued--
      if (this.#underway.get(key) === done) this.#underway.delete(key)
    }
  }

  #change(change: RegistryChange): Promise<void> {
    if ('setting' in change) return this.#settings.write(change.setting, change.value)
    const { id, entry } = change
    const place = this.#placement.of(id)
    if (!entry) return place ? this.#remove(place.record, place.kept) : Promise.resolve()
    const kept = keep(id, entry)
    if (!place) return this.#put(this.#placement.roomFor(kept.bytes), kept)
    if (this.#placement.fits(place.record, kept.bytes - place.kept.bytes)) {
      this.#placement.take(place.record, place.kept)
      return this.#put(place.record, kept)
    }
    return this.#move(place.record, place.kept, kept)
  }

  async #move(from: RegistryRecord, old: Kept, kept: Kept): Promise<void> {
    await this.#put(this.#placement.roomFor(kept.bytes), kept)
    await this.#remove(from, old)
  }

  #put(record: RegistryRecord, kept: Kept): Promise<void> {
    this.#placement.put(record, kept)
    return this.#enqueue(record, kept.id, kept)
  }

  #remove(record: RegistryRecord, kept: Kept): Promise<void> {
    this.#placement.take(record, kept)
    return this.#enqueue(record, kept.id, undefined)
  }

  #enqueue(record: RegistryRecord, id: string, kept: Kept | undefined): Promise<void> {
    return new Promise((done, failed) => {
      record.waiting.push({ id, kept, done, failed })
      if (!record.writing) void this.#write(record)
    })
  }

  async #write(record: RegistryRecord): Promise<void> {
    record.writing = true
    while (record.waiting.length > 0) {
      const batch = record.waiting
      record.waiting = []
      const entries = new Map(record.entries)
      for (const { id, kept } of batch) {
        if (kept) entries.set(id, kept)
        else entries.delete(id)
      }
      try {
        await this.#save(record, encodeRecord(entries.values()))
        record.entries = entries
        for (const { done } of batch) done()
      } catch (error) {
        for (const { failed } of batch) failed(error as Error)
      }
    }
    record.writing = false
  }

  async #save(record: RegistryRecord, value: Uint8Array): Promise<void> {
    record.version =
      record.version === undefined
        ? await this.#store.create(record.path, value)
        : await this.#store.set(record.path, value, record.version)
  }

  async #read(record: RegistryRecord): Promise<void> {
    const found = await this.#store.get(record.path)
    if (!found) return
    record.version = found.version
    const kept = decodeRecord(record.path, found.value)
    record.entries = new Map(kept.map(one => [one.id, one]))
  }

  /** Finds the place of each entry; of one that was being moved when the last leader died, one copy is taken out. */
  async #endMoves(): Promise<void> {
    const copies: { record: RegistryRecord; kept: Kept }[] = []
    for (const record of this.#placement.records) {
      for (const kept of record.entries.values()) {
        if (!this.#placement.of(kept.id)) this.#placement.put(record, kept)
        else {
          record.planned += kept.bytes
          copies.push({ record, kept })
        }
      }
    }
    await Promise.all(copies.map(({ record, kept }) => this.#remove(record, kept)))
  }

  async #readLayout(newClusterId: string): Promise<string> {
    const found = await this.#store.get(layoutPath)
    const layout = found && readRecord<{ cluster_id: string }>(layoutPath, found.value)
    const clusterId = layout?.cluster_id ?? newClusterId
    const value = Buffer.from(JSON.stringify({ format: registryFormat, cluster_id: clusterId }))
    if (!found) await this.#store.create(layoutPath, value)
    // From here on a master that knows only the former format refuses, and does not look for entries where they are not.
    else if (layout!.format !== registryFormat) await this.#store.set(layoutPath, value, found.version)
    return clusterId
  }

  async #writeLeader(masterInfo: MasterInfo): Promise<void> {
    const value = Buffer.from(JSON.stringify({ format: registryFormat, master_info: masterInfo }))
    const before = await this.#store.get(leaderPath)
    if (before) await this.#store.set(leaderPath, value, before.version)
    else await this.#store.create(leaderPath, value)
  }
}

function newRecord(number: number): RegistryRecord {
  return {
    number,
    path: `${root}/${String(number).padStart(4, '0')}`,
    planned: baseBytes,
    entries: new Map(),
    version: undefined,
    waiting: [],
    writing: false,
  }
}
