export type RecordType = 'A' | 'AAAA' | 'SRV' | 'PTR'

/** One record. Names and SRV targets end in a dot; the value of SRV is `target:port`, of PTR a name, of A and AAAA an address. */
export interface ZoneRecord {
  readonly name: string
  readonly type: RecordType
  readonly value: string
}

const noValues: readonly string[] = []

/** The records of one name. `version` changes with each change of its values, also when the name goes. */
export class RecordSet {
  version = 0
  readonly #counts = new Map<RecordType, Map<string, number>>()

  /** Values of a type, in the order in which they came. */
  values(type: RecordType): readonly string[] {
    const values = this.#counts.get(type)
    return values === undefined ? noValues : [...values.keys()]
  }

  has(type: RecordType): boolean {
    return this.#counts.has(type)
  }

  get empty(): boolean {
    return this.#counts.size === 0
  }

  /** Counts one more holder of the value; true when it is new. */
  add(type: RecordType, value: string): boolean {
    let values = this.#counts.get(type)
    if (values === undefined) {
      values = new Map()
      this.#counts.set(type, values)
    }
    const count = values.get(value) ?? 0
    values.set(value, count + 1)
    if (count === 0) this.version += 1
    return count === 0
  }

  /** Counts one holder less; true when that was the last. */
  remove(type: RecordType, value: string): boolean {
    const values = this.#counts.get(type)
    const count = values?.get(value)
    if (values === undefined || count === undefined) return false
    if (count > 1) {
      values.set(value, count - 1)
      return false
    }
    values.delete(value)
    if (values.size === 0) this.#counts.delete(type)
    this.version += 1
    return true
  }
}

/** How a zone is answered: times in seconds. */
export interface ZoneSettings {
  /** Without final dot: `mesos`. */
  readonly origin: string
  readonly ttl: number
  readonly nameserver: string
  readonly nameserverTtl: number
  readonly contact: string
  readonly refresh: number
  readonly retry: number
  readonly expire: number
  readonly minimum: number
  readonly srvPriority: number
  readonly srvWeight: number
}

/**
 * A table of counted records: a name shared by ten tasks stays until the last one leaves. Adding and removing cost the records
 * named and nothing else.
 */
export class Zone {
  readonly settings: ZoneSettings
  /** SOA serial, Unix seconds of the last change that was applied. */
  serial = 1
  readonly #names = new Map<string, RecordSet>()
  #records = 0
  #changed: ((name: string) => void) | undefined

  constructor(settings: ZoneSettings) {
    this.settings = settings
  }

  /** Number of different records. */
  get size(): number {
    return this.#records
  }

  /** Calls back with each name whose values changed. */
  onChange(listener: (name: string) => void): void {
    this.#changed = listener
  }

  get(name: string): RecordSet | undefined {
    return this.#names.get(name)
  }

  names(): IterableIterator<[string, RecordSet]> {
    return this.#names.entries()
  }

  /** Puts the records of one source in place of those it had. Unchanged ones are not touched. */
  replace(before: readonly ZoneRecord[], after: readonly ZoneRecord[]): void {
    for (const record of after) this.#add(record)
    for (const record of before) this.#remove(record)
  }

  #add({ name, type, value }: ZoneRecord): void {
    let set = this.#names.get(name)
    if (set === undefined) {
      set = new RecordSet()
      this.#names.set(name, set)
    }
    if (!set.add(type, value)) return
    this.#records += 1
    this.#changed?.(name)
  }

  #remove({ name, type, value }: ZoneRecord): void {
    const set = this.#names.get(name)
    if (set === undefined || !set.remove(type, value)) return
    this.#records -= 1
    if (set.empty) this.#names.delete(name)
    this.#changed?.(name)
  }
}
