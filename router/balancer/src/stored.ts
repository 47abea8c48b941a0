import type { Versioned } from '@meseta/common/coordination/store'
import { asBody, type Body, field } from '@meseta/common/discovery/reading'

/** The format of what the balancer writes in the Store: JSON that says which version wrote it. */
const version = 1

export const encodeRecord = (body: object): Uint8Array => Buffer.from(JSON.stringify({ version, ...body }))

/** What `read` finds in a record of our version. Throws for any other: it is not ours to read. */
export function decodeRecord<Value>(
  record: Versioned,
  path: string,
  read: (body: Body | undefined) => Value | undefined,
): Value {
  const body = parse(record.value)
  const value = field(body, 'version') === version ? read(body) : undefined
  if (value !== undefined) return value
  throw new Error(`${path} was written by another version of the balancer: this one reads version ${version}`)
}

function parse(bytes: Uint8Array): Body | undefined {
  try {
    return asBody(JSON.parse(Buffer.from(bytes).toString()))
  } catch {
    return undefined
  }
}
