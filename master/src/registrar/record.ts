import type { RegistryEntry } from '../state/commands.ts'

/** Written into each record: which form it has. The one before, where the place of an entry was a hash of its id, is read as well. */
export const registryFormat = 2
const formerFormat = 1

/** An agent's entry as a record holds it. */
export interface Kept {
  readonly id: string
  readonly entry: RegistryEntry
  /** Bytes in the record. */
  readonly bytes: number
}

/** Bytes of a record beside its entries, of which each counts a comma and the last has none. */
export const baseBytes = encodeRecord([]).length - 1

export function keep(id: string, entry: RegistryEntry): Kept {
  return { id, entry, bytes: Buffer.byteLength(JSON.stringify([id, entry])) + 1 }
}

export function encodeRecord(entries: Iterable<Kept>): Uint8Array {
  const agents = [...entries].map(({ id, entry }) => [id, entry])
  return Buffer.from(JSON.stringify({ format: registryFormat, agents }))
}

/** @throws Error when the record is of another format, or none. */
export function decodeRecord(path: string, bytes: Uint8Array): Kept[] {
  if (bytes.length === 0) return []
  const { agents } = readRecord<{ agents: [string, RegistryEntry][] }>(path, bytes)
  if (!Array.isArray(agents) || !agents.every(isEntry)) throw damaged(path, 'a list of agents')
  return agents.map(([id, entry]) => keep(id, entry))
}

const isEntry = (one: unknown): boolean =>
  Array.isArray(one) && typeof one[0] === 'string' && typeof one[1] === 'object' && one[1] !== null

/** The JSON of a record of the registry. @throws Error when it is of another format, or none. */
export function readRecord<Shape>(path: string, bytes: Uint8Array): Shape & { readonly format: number } {
  const record = parse<Shape & { readonly format: number }>(path, bytes)
  if (typeof record !== 'object' || record === null) throw damaged(path, 'a record')
  if (record.format !== registryFormat && record.format !== formerFormat)
    throw new Error(
      `${path} is of registry format ${record.format}, and this master reads formats ${registryFormat} and ${formerFormat}; run the version that wrote it`,
    )
  return record
}

function parse<Shape>(path: string, bytes: Uint8Array): Shape {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch (cause) {
    throw damaged(path, 'JSON', cause)
  }
}

const damaged = (path: string, what: string, cause?: unknown): Error =>
  new Error(`${path} does not hold ${what}: the registry is damaged; restore it from a backup`, { cause })
