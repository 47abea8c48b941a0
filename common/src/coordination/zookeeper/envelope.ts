/** Who wrote a record, in which operation: 16 bytes of writer, and the number of the operation. */
export interface Mark {
  readonly writer: Uint8Array
  readonly op: number
}

/** `\0`, which begins no text, then `MR` and the format of what follows. */
const magic = Buffer.from([0, 0x4d, 0x52, 1])
const writerBytes = 16
const headBytes = magic.length + writerBytes + 8

/** The value as it is stored: the mark in front of it. */
export function seal({ writer, op }: Mark, value: Uint8Array): Buffer {
  const sealed = Buffer.alloc(headBytes + value.length)
  magic.copy(sealed)
  sealed.set(writer.subarray(0, writerBytes), magic.length)
  sealed.writeBigUInt64BE(BigInt(op), magic.length + writerBytes)
  sealed.set(value, headBytes)
  return sealed
}

const isSealed = (stored: Buffer): boolean =>
  stored.length >= headBytes && stored.subarray(0, magic.length).equals(magic)

/** The value in what is stored. What another tool wrote (a folder's empty value, an election's JSON) has no mark, and is the value itself. */
export function unseal(stored: Buffer): Uint8Array {
  return new Uint8Array(isSealed(stored) ? stored.subarray(headBytes) : stored)
}

/** Whether this is what the operation stored. */
export function bears(stored: Buffer, { writer, op }: Mark): boolean {
  if (!isSealed(stored)) return false
  const found = stored.subarray(magic.length, magic.length + writerBytes)
  return (
    found.equals(writer.subarray(0, writerBytes)) && stored.readBigUInt64BE(magic.length + writerBytes) === BigInt(op)
  )
}
