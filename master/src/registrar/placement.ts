import { baseBytes, type Kept } from './record.ts'

export interface Shape {
  /** No record is planned to be larger. An entry is at most some 65 kB (`checkRegistration`). */
  readonly maxBytes: number
  /** Records that entries are spread over from the start, so that many can be written at once; and how many are looked at for room. */
  readonly spread: number
}

/** Records of half of what the Store takes. */
export const registryShape: Shape = { maxBytes: 256 * 1024, spread: 256 }

/** A record of the registry as it will be when everything that waits for it is written. */
export interface Place {
  readonly number: number
  planned: number
}

/**
 * Which record holds which entry. An entry may lie in any record, so none fills up because of what its ids are, and none is
 * ever split: where there is no room, records are added. Only the leader writes, and has read all before it does.
 */
export class Placement<P extends Place> {
  readonly records: P[] = []
  readonly #create: (number: number) => P
  readonly #shape: Shape
  readonly #places = new Map<string, { record: P; kept: Kept }>()
  #next = 0

  constructor(create: (number: number) => P, shape: Shape) {
    this.#create = create
    this.#shape = shape
    this.#grow(shape.spread)
  }

  /** The record of this number, for reading it. */
  record(number: number): P {
    if (number >= this.records.length) this.#grow(number + 1 - this.records.length)
    return this.records[number]!
  }

  of(id: string): { readonly record: P; readonly kept: Kept } | undefined {
    return this.#places.get(id)
  }

  all(): Iterable<{ readonly record: P; readonly kept: Kept }> {
    return this.#places.values()
  }

  /** Counts an entry into a record: one that lies there, or `roomFor` has chosen it for. */
  put(record: P, kept: Kept): void {
    record.planned += kept.bytes
    this.#places.set(kept.id, { record, kept })
  }

  /** Counts an entry out of its record; it may still lie there for a while. */
  take(record: P, kept: Kept): void {
    record.planned -= kept.bytes
    if (this.#places.get(kept.id)?.kept === kept) this.#places.delete(kept.id)
  }

  fits(record: P, bytes: number): boolean {
    return record.planned + bytes <= this.#shape.maxBytes || record.planned === baseBytes
  }

  /** A record that takes so many bytes more: each time the next one that has room; where none has, there come to be more. */
  roomFor(bytes: number): P {
    for (let tried = 0; tried < this.#shape.spread; tried++) {
      const record = this.records[this.#next]!
      this.#next = (this.#next + 1) % this.records.length
      if (this.fits(record, bytes)) return record
    }
    this.#next = this.records.length
    this.#grow(Math.ceil(this.#shape.spread / 4))
    return this.records[this.#next++]!
  }

  #grow(count: number): void {
    for (let added = 0; added < count; added++) this.records.push(this.#create(this.records.length))
  }
}
