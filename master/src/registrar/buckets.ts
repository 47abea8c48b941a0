import type { RegistryEntry } from '../state/commands.ts'

/** Written into each record: which form it has. Readers refuse what they do not know. */
export const registryFormat = 1

/** How many buckets a new registry has. 50,000 agents of 1 kB are 200 kB each, below a record's bound of 512 KiB. */
export const bucketCount = 256

/** The bucket of an agent: FNV-1a of its id. */
export function bucketOf(agentId: string, buckets: number): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < agentId.length; index++) {
    hash ^= agentId.charCodeAt(index)
    hash = Math.imul(hash, 0x01000193)
  }
  return (hash >>> 0) % buckets
}

export function encodeBucket(entries: ReadonlyMap<string, RegistryEntry>): Uint8Array {
  return Buffer.from(JSON.stringify({ format: registryFormat, agents: [...entries] }))
}

/** @throws Error when the record is of another format, or none. */
export function decodeBucket(path: string, bytes: Uint8Array): Map<string, RegistryEntry> {
  if (bytes.length === 0) return new Map()
  const record = parse(path, bytes)
  if (record.format !== registryFormat)
    throw new Error(
      `${path} is of registry format ${record.format}, and this master reads format ${registryFormat}; run the version that wrote it`,
    )
  return new Map(record.agents)
}

function parse(path: string, bytes: Uint8Array): { format: number; agents: [string, RegistryEntry][] } {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch (cause) {
    throw new Error(`${path} does not hold JSON: the registry is damaged; restore it from a backup`, { cause })
  }
}
