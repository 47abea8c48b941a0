import type { Clock } from '../service/clock.ts'
import { controlKinds, encodeChange, holdsBody, type Position } from './frame.ts'

export interface FeedWriterOptions {
  /** New with each start of the process: letters, digits, `-`, `_`; at most 64. A uuid will do. */
  readonly epoch: string
  readonly clock: Pick<Clock, 'now'>
  /** How many changes, and how many bytes of them, are kept for readers that come back: 20,000 and 32 MiB unless said. */
  readonly ring?: { readonly changes?: number; readonly bytes?: number }
}

/** The newest state of one key. */
interface Entry {
  readonly kind: string
  readonly seq: number
  /** Its body is in there, once: a cluster has a million keys. */
  readonly frame: Buffer
}

/** The kinds a reader wants; all of them when it names none. */
export type Kinds = ReadonlySet<string>

/** What a reader gets next. */
export interface Batch {
  readonly bytes: Uint8Array
  /** The reader's place afterwards. */
  readonly seq: number
}

/** What somebody else keeps of one kind. */
export interface FeedSource {
  /** Begins a walk through all of it as it is now. `giveUp` may be called once: to keep it as it was is too much. */
  walk(giveUp: () => void): FeedWalk
}

export interface FeedWalk {
  /** The next key and what `tell` answered when it was told of last; undefined after the last one. */
  next(): { readonly key: string; readonly body: string; readonly seq: number; readonly at: number } | undefined
  /** Ends the walk, wherever it is. Idempotent. */
  end(): void
}

/** A walk through the state as it was when it began. */
export interface Snapshot {
  /** The place that a reader has reached when it has all of it. */
  readonly seq: number
  /** The next frames, about `bytes` of them; `undefined` when all have been taken. */
  next(bytes: number): Uint8Array | undefined
  /** It is not walked any further. Idempotent. */
  end(): void
}

/**
 * A feed's state and its newest changes. Bodies are encoded once per change, and shared by all readers.
 * `rev` is the number of the change itself, so it grows by key with nothing remembered of deleted keys.
 */
export class FeedWriter {
  readonly epoch: string
  readonly #clock: Pick<Clock, 'now'>
  readonly #ring: Ring
  /** In the order of their last change: a change moves its entry to the end. */
  readonly #entries = new Map<string, Entry>()
  readonly #listeners = new Set<() => void>()
  readonly #sources = new Map<string, FeedSource>()
  #seq = 0

  constructor(options: FeedWriterOptions) {
    if (!/^[\w-]{1,64}$/.test(options.epoch)) throw new TypeError(`'${options.epoch}' can not be the epoch of a feed`)
    this.epoch = options.epoch
    this.#clock = options.clock
    this.#ring = new Ring(options.ring?.changes ?? 20_000, options.ring?.bytes ?? 32 * 1024 * 1024)
  }

  /** The number of the newest change; 0 before the first. */
  get seq(): number {
    return this.#seq
  }

  /** Keys there are. */
  get size(): number {
    return this.#entries.size
  }

  has(kind: string, key: string): boolean {
    return this.#entries.has(entryName(kind, key))
  }

  /** Sets the body of a key. A body whose JSON is the same as before is no change. Answers whether it was one. */
  put(kind: string, key: string, body: unknown): boolean {
    const json = JSON.stringify(body)
    if (json === undefined) throw new TypeError(`the body of ${kind} '${key}' has no JSON form`)
    return this.putJson(kind, key, json)
  }

  /** The same with a body that is JSON already. */
  putJson(kind: string, key: string, json: string): boolean {
    const name = entryName(kind, key)
    const before = this.#entries.get(name)
    if (before && holdsBody(before.frame, json)) return false
    const frame = this.#record('put', kind, key, json)
    this.#entries.delete(name)
    this.#entries.set(name, { kind, seq: this.#seq, frame })
    this.#announce()
    return true
  }

  /** Deletes a key. Answers whether there was one. */
  del(kind: string, key: string): boolean {
    if (!this.#entries.delete(entryName(kind, key))) return false
    this.#record('del', kind, key)
    this.#announce()
    return true
  }

  /** The state of this kind is kept elsewhere: of its keys the writer is told, and holds only the newest changes. */
  attach(kind: string, source: FeedSource): void {
    this.#sources.set(kind, source)
  }

  /** The body of a key of an attached kind, as JSON; undefined when it is gone. Answers the number and the time of the change. */
  tell(kind: string, key: string, body: string | undefined): { readonly seq: number; readonly at: number } {
    const at = this.#clock.now()
    this.#record(body === undefined ? 'del' : 'put', kind, key, body, at)
    this.#announce()
    return { seq: this.#seq, at }
  }

  /** Whether a reader at this place can be given what came after it, and nothing else. */
  canResume(position: Position): boolean {
    return position.epoch === this.epoch && position.seq <= this.#seq && this.#ring.holdsAfter(position.seq)
  }

  /** Changes after `seq`, about `bytes` of them and at least one; `undefined` when there are none. The ring must reach back so far. */
  changesAfter(seq: number, bytes: number, kinds?: Kinds): Batch | undefined {
    return this.#ring.after(seq, bytes, kinds)
  }

  /** Bytes of the changes after `seq`: how far behind a reader is. Infinity when the ring has moved on. */
  bytesAfter(seq: number): number {
    return this.#ring.bytesAfter(seq)
  }

  /** All that there is now. Keys that change during the walk are left to `changesAfter(snapshot.seq)`. `giveUp` is called when it takes too long. */
  snapshot(kinds?: Kinds, giveUp: () => void = () => undefined): Snapshot {
    const seq = this.#seq
    const entries = this.#entries.values()
    const walks = [...this.#sources]
      .filter(([kind]) => !kinds || kinds.has(kind))
      .map(([kind, source]) => ({ kind, walk: source.walk(giveUp) }))
    const nextEntry = () => {
      for (let { value: entry } = entries.next(); entry && entry.seq <= seq; { value: entry } = entries.next())
        if (!kinds || kinds.has(entry.kind)) return entry.frame
      for (const { kind, walk } of walks) {
        const found = walk.next()
        if (!found) continue
        const { key, body, seq: rev, at } = found
        return encodeChange({ epoch: this.epoch, seq: rev }, kind, { op: 'put', key, rev, at }, body)
      }
      return undefined
    }
    const end = () => {
      for (const { walk } of walks) walk.end()
    }
    const next = (bytes: number) => {
      const frames: Buffer[] = []
      let length = 0
      while (length < bytes) {
        const frame = nextEntry()
        if (!frame) break
        frames.push(frame)
        length += frame.length
      }
      if (frames.length > 0) return Buffer.concat(frames, length)
      end()
      return undefined
    }
    return { seq, next, end }
  }

  /** The newest frame of a key, as readers are sent it; `undefined` when there is no such key. */
  frameOf(kind: string, key: string): Buffer | undefined {
    return this.#entries.get(entryName(kind, key))?.frame
  }

  /** Calls back after each change. Answers a function that ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #record(op: 'put' | 'del', kind: string, key: string, body?: string, at = this.#clock.now()): Buffer {
    this.#seq += 1
    const change = { op, key, rev: this.#seq, at }
    const frame = encodeChange({ epoch: this.epoch, seq: this.#seq }, kind, change, body)
    this.#ring.push(kind, frame)
    return frame
  }

  #announce(): void {
    for (const listener of this.#listeners) listener()
  }
}

function entryName(kind: string, key: string): string {
  if (!/^[a-z][a-z0-9_-]*$/.test(kind) || controlKinds.has(kind))
    throw new TypeError(`'${kind}' can not be a kind of a feed`)
  return `${kind} ${key}`
}

/** The newest frames, numbered without gaps; the oldest leave when there are too many or they are too large together. */
class Ring {
  readonly #maxChanges: number
  readonly #maxBytes: number
  /** Slot `seq % length` holds frame and, in `#ends`, the count of all bytes up to and with it. */
  readonly #frames: (Buffer | undefined)[]
  readonly #kinds: (string | undefined)[]
  readonly #ends: Float64Array
  #first = 1
  #last = 0
  #total = 0
  #dropped = 0
  #shared: { after: number; limit: number; last: number; batch: Batch } | undefined

  constructor(maxChanges: number, maxBytes: number) {
    this.#maxChanges = maxChanges
    this.#maxBytes = maxBytes
    this.#frames = new Array(maxChanges)
    this.#kinds = new Array(maxChanges)
    this.#ends = new Float64Array(maxChanges)
  }

  push(kind: string, frame: Buffer): void {
    if (this.#last - this.#first + 1 === this.#maxChanges) this.#drop()
    this.#last += 1
    this.#total += frame.length
    const slot = this.#last % this.#maxChanges
    this.#frames[slot] = frame
    this.#kinds[slot] = kind
    this.#ends[slot] = this.#total
    while (this.#first < this.#last && this.#total - this.#dropped > this.#maxBytes) this.#drop()
  }

  #drop(): void {
    const slot = this.#first % this.#maxChanges
    this.#dropped = this.#ends[slot]!
    this.#frames[slot] = undefined
    this.#first += 1
  }

  holdsAfter(seq: number): boolean {
    return seq >= this.#first - 1 && seq <= this.#last
  }

  bytesAfter(seq: number): number {
    return this.holdsAfter(seq) ? this.#total - this.#endOf(seq) : Number.POSITIVE_INFINITY
  }

  #endOf(seq: number): number {
    return seq < this.#first ? this.#dropped : this.#ends[seq % this.#maxChanges]!
  }

  /** Readers of all kinds that are at the same place, as most are, share one buffer. A batch of chosen kinds may be empty. */
  after(seq: number, limit: number, kinds: Kinds | undefined): Batch | undefined {
    if (seq >= this.#last || !this.holdsAfter(seq)) return undefined
    const shared = this.#shared
    if (!kinds && shared?.after === seq && shared.limit === limit && shared.last === this.#last) return shared.batch
    const frames: Buffer[] = []
    let length = 0
    let at = seq
    while (at < this.#last && (length === 0 || length < limit)) {
      at += 1
      if (kinds && !kinds.has(this.#kinds[at % this.#maxChanges]!)) continue
      const frame = this.#frames[at % this.#maxChanges]!
      frames.push(frame)
      length += frame.length
    }
    const batch = { bytes: frames.length === 1 ? frames[0]! : Buffer.concat(frames, length), seq: at }
    if (!kinds) this.#shared = { after: seq, limit, last: this.#last, batch }
    return batch
  }
}
