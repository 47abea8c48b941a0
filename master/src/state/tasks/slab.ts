/** Sizes are multiples of this, and references count in it. Bytes. */
const unit = 16
const pageBytes = 1024 * 1024
/** Before each record: its length. */
const head = 4
/** Longer records lie apart. */
const longest = 32 * 1024
/** Freed records that are kept for who holds the slab, bytes; for more, the oldest hold has to be given up. */
const defaultMaxHeld = 256 * 1024 * 1024

/**
 * Many small byte records in few large buffers, so that a million of them cost the garbage collector nothing. A record keeps
 * its place until it is freed; a freed place is used again by the next record of its size.
 */
export class Slab {
  readonly #pages: Buffer[] = []
  /** The first free place by size in units; each free place holds the next one, plus 1, in its head. */
  readonly #free = new Map<number, number>()
  readonly #large = new Map<number, Uint8Array>()
  #used = pageBytes
  /** Places of large records are below zero; -1 is none, so that whoever keeps places may write it for no place. */
  #nextLarge = -2
  readonly #maxHeld: number
  /** Who holds the slab, oldest first, and how to ask it once to give up. */
  readonly #holds = new Map<number, (() => void) | undefined>()
  #newestHold = 0
  /** Places that were freed while it was held, oldest first, and the newest hold at that time. */
  #freed: { readonly place: number; readonly hold: number }[] = []
  #held = 0
  #bytes = 0

  constructor(maxHeld = defaultMaxHeld) {
    this.#maxHeld = maxHeld
  }

  /** Bytes of all records that are kept or held, with what their places waste. */
  get bytes(): number {
    return this.#bytes
  }

  /** Keeps a copy of these bytes. Answers where: any number, whose meaning is this slab's own. */
  put(record: Uint8Array): number {
    if (record.length > longest) return this.#putLarge(record)
    const units = Math.ceil((record.length + head) / unit)
    const place = this.#take(units)
    const { page, at } = this.#locate(place)
    page.writeUInt32LE(record.length, at)
    page.set(record, at + head)
    this.#bytes += units * unit
    return place
  }

  /** The bytes of a record, which are good until it is freed. */
  get(place: number): Uint8Array {
    const large = this.#large.get(place)
    if (large) return large
    const { page, at } = this.#locate(place)
    return page.subarray(at + head, at + head + page.readUInt32LE(at))
  }

  /**
   * Until the function that this answers is called, records that there are now stay readable, and only their places are not used
   * again. `giveUp` is called at most once, when that keeps too much.
   */
  hold(giveUp: () => void): () => void {
    const hold = ++this.#newestHold
    this.#holds.set(hold, giveUp)
    return () => {
      if (this.#holds.delete(hold)) this.#freeUnheld()
    }
  }

  #freeUnheld(): void {
    const oldest = this.#holds.keys().next().value ?? Number.POSITIVE_INFINITY
    let free = 0
    for (; free < this.#freed.length && this.#freed[free]!.hold < oldest; free++) {
      const { place } = this.#freed[free]!
      this.#held -= this.get(place).length
      this.#release(place)
    }
    this.#freed = this.#freed.slice(free)
  }

  free(place: number): void {
    if (this.#holds.size === 0) {
      this.#release(place)
      return
    }
    this.#freed.push({ place, hold: this.#newestHold })
    this.#held += this.get(place).length
    if (this.#held > this.#maxHeld) this.#askOldest()
  }

  #askOldest(): void {
    const [hold, giveUp] = this.#holds.entries().next().value!
    this.#holds.set(hold, undefined)
    giveUp?.()
  }

  #release(place: number): void {
    const large = this.#large.get(place)
    if (large) {
      this.#large.delete(place)
      this.#bytes -= large.length
      return
    }
    const { page, at } = this.#locate(place)
    const units = Math.ceil((page.readUInt32LE(at) + head) / unit)
    page.writeUInt32LE((this.#free.get(units) ?? -1) + 1, at)
    this.#free.set(units, place)
    this.#bytes -= units * unit
  }

  #putLarge(record: Uint8Array): number {
    const place = this.#nextLarge--
    this.#large.set(place, record.slice())
    this.#bytes += record.length
    return place
  }

  #take(units: number): number {
    const free = this.#free.get(units)
    if (free === undefined) return this.#extend(units * unit)
    const { page, at } = this.#locate(free)
    const next = page.readUInt32LE(at)
    if (next === 0) this.#free.delete(units)
    else this.#free.set(units, next - 1)
    return free
  }

  #extend(bytes: number): number {
    if (this.#used + bytes > pageBytes) {
      this.#pages.push(Buffer.allocUnsafeSlow(pageBytes))
      this.#used = 0
    }
    const place = ((this.#pages.length - 1) * pageBytes + this.#used) / unit
    this.#used += bytes
    return place
  }

  #locate(place: number): { page: Buffer; at: number } {
    const offset = place * unit
    const number = Math.floor(offset / pageBytes)
    return { page: this.#pages[number]!, at: offset - number * pageBytes }
  }
}
