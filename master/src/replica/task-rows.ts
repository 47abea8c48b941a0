import { decode, encode } from '@meseta/common/protocol/codec'
import type { Task } from '@meseta/common/protocol/mesos'
import { Slab } from '../state/slab.ts'
import { taskOf } from './task-shape.ts'

const none = -1

export const fates = ['active', 'unreachable', 'completed'] as const
export type Fate = (typeof fates)[number]

/** Tasks of one framework and fate, in the order in which they came to be of it: slots, linked by the columns. */
export interface TaskList {
  first: number
  last: number
  size: number
}

export const emptyList = (): TaskList => ({ first: none, last: none, size: 0 })

/** What is kept of each task, by slot. */
interface Columns {
  /** The neighbours in its list. */
  readonly next: Int32Array
  readonly previous: Int32Array
  readonly fate: Uint8Array
  /** Where the slab has it as protobuf, and as the JSON of /state; of that none where there was no room for it. */
  readonly v1: Int32Array
  readonly legacy: Int32Array
  /** The time of its first status, seconds since 1970. */
  readonly since: Float64Array
  /** The number and the time, ms, of its change in the feed. */
  readonly seq: Float64Array
  readonly at: Float64Array
}

const newColumns = (size: number): Columns => ({
  next: new Int32Array(size),
  previous: new Int32Array(size),
  fate: new Uint8Array(size),
  v1: new Int32Array(size),
  legacy: new Int32Array(size),
  since: new Float64Array(size),
  seq: new Float64Array(size),
  at: new Float64Array(size),
})

const legacyOf = (task: Task): Buffer => Buffer.from(JSON.stringify(taskOf(task)))

/** One task, as the columns have it. */
export class TaskRow {
  readonly fate: Fate
  readonly slot: number
  readonly #columns: Columns
  readonly #slab: Slab
  #task: Task | undefined

  constructor(columns: Columns, slab: Slab, slot: number, fate: Fate, task?: Task) {
    this.#columns = columns
    this.#slab = slab
    this.slot = slot
    this.fate = fate
    this.#task = task
  }

  get task(): Task {
    this.#task ??= decode('mesos.v1.Task', this.v1)
    return this.#task
  }

  get v1(): Uint8Array {
    return this.#slab.get(this.#columns.v1[this.slot]!)
  }

  /** The JSON of /state. */
  get legacy(): Uint8Array {
    const place = this.#columns.legacy[this.slot]!
    return place === none ? legacyOf(this.task) : this.#slab.get(place)
  }

  get since(): number {
    return this.#columns.since[this.slot]!
  }

  get seq(): number {
    return this.#columns.seq[this.slot]!
  }

  get at(): number {
    return this.#columns.at[this.slot]!
  }
}

/** The tasks as they were at a freeze. */
export interface FrozenTasks {
  of(list: TaskList, fate: Fate): Iterable<TaskRow>
  /** They are read no more. */
  release(): void
}

/**
 * Every task that readers may see, encoded once for each change: as protobuf for v1 calls, and as the JSON of /state. A task is
 * a slot in columns and two records in a slab (design decision 10).
 */
export class TaskRows {
  readonly #maxLegacyBytes: number
  readonly #slab = new Slab()
  readonly #freeSlots: number[] = []
  #columns = newColumns(64)
  #slots = 0
  #legacyBytes = 0

  /** JSON that is beyond so many bytes is made each time that it is read. */
  constructor(maxLegacyBytes = 512 * 1024 * 1024) {
    this.#maxLegacyBytes = maxLegacyBytes
  }

  /** Bytes of the encoded tasks, and of the columns. */
  get bytes(): number {
    const columns = Object.values(this.#columns).reduce((sum, column) => sum + column.byteLength, 0)
    return this.#slab.bytes + columns
  }

  add(task: Task): number {
    const slot = this.#freeSlots.pop() ?? this.#newSlot()
    this.#write(slot, task, encode('mesos.v1.Task', task))
    return slot
  }

  /** Answers whether anything has changed. */
  update(slot: number, task: Task): boolean {
    const bytes = encode('mesos.v1.Task', task)
    if (Buffer.compare(bytes, this.#slab.get(this.#columns.v1[slot]!)) === 0) return false
    this.#free(slot)
    this.#write(slot, task, bytes)
    return true
  }

  #write(slot: number, task: Task, bytes: Uint8Array): void {
    const { v1, legacy, since } = this.#columns
    v1[slot] = this.#slab.put(bytes)
    legacy[slot] = this.#putLegacy(legacyOf(task))
    since[slot] = task.statuses?.[0]?.timestamp ?? 0
  }

  #putLegacy(json: Buffer): number {
    if (this.#legacyBytes + json.length > this.#maxLegacyBytes) return none
    this.#legacyBytes += json.length
    return this.#slab.put(json)
  }

  #free(slot: number): void {
    const { v1, legacy } = this.#columns
    this.#slab.free(v1[slot]!)
    if (legacy[slot] === none) return
    this.#legacyBytes -= this.#slab.get(legacy[slot]!).length
    this.#slab.free(legacy[slot]!)
  }

  remove(slot: number): void {
    this.#free(slot)
    this.#freeSlots.push(slot)
  }

  /** What is known of it is good until its next change. */
  row(slot: number, task?: Task): TaskRow {
    return new TaskRow(this.#columns, this.#slab, slot, fates[this.#columns.fate[slot]!]!, task)
  }

  /** The feed tells of its change under this number. */
  told(slot: number, seq: number, at: number): void {
    this.#columns.seq[slot] = seq
    this.#columns.at[slot] = at
  }

  append(list: TaskList, slot: number, fate: Fate): void {
    const { next, previous } = this.#columns
    this.#columns.fate[slot] = fates.indexOf(fate)
    previous[slot] = list.last
    next[slot] = none
    if (list.last === none) list.first = slot
    else next[list.last] = slot
    list.last = slot
    list.size += 1
  }

  unlink(list: TaskList, slot: number): void {
    const { next, previous } = this.#columns
    const [before, after] = [previous[slot]!, next[slot]!]
    if (before === none) list.first = after
    else next[before] = after
    if (after === none) list.last = before
    else previous[after] = before
    list.size -= 1
  }

  *slotsOf(list: TaskList): Iterable<number> {
    for (let slot = list.first; slot !== none; slot = this.#columns.next[slot]!) yield slot
  }

  /** Copies columns and no task: what a place in the slab holds does not change while it is held. */
  freeze(): FrozenTasks {
    const { next, previous, fate, v1, legacy, since, seq, at } = this.#columns
    const columns: Columns = {
      next: next.slice(),
      previous,
      fate,
      v1: v1.slice(),
      legacy: legacy.slice(),
      since: since.slice(),
      seq: seq.slice(),
      at: at.slice(),
    }
    const slab = this.#slab
    return {
      *of(list, fate) {
        for (let slot = list.first; slot !== none; slot = columns.next[slot]!)
          yield new TaskRow(columns, slab, slot, fate)
      },
      release: slab.hold(),
    }
  }

  #newSlot(): number {
    const slot = this.#slots++
    if (slot === this.#columns.next.length) this.#grow(2 * slot)
    return slot
  }

  #grow(size: number): void {
    const grown = newColumns(size)
    for (const name of Object.keys(grown) as (keyof Columns)[]) grown[name].set(this.#columns[name])
    this.#columns = grown
  }
}
