/** Longest name on the wire, its final zero byte included. */
const mostNameBytes = 255
const mostLabelBytes = 63

/**
 * The wire form of a name in text form, with or without final dot. `undefined` when it cannot be one: an empty label, one
 * over 63 bytes, over 255 bytes in all, or a character that is not printable ASCII.
 */
export function encodeName(name: string): Buffer | undefined {
  const plain = name.endsWith('.') ? name.slice(0, -1) : name
  if (plain === '') return Buffer.from([0])
  if (plain.length + 2 > mostNameBytes || !/^[!-~]+$/.test(plain)) return undefined
  const bytes = Buffer.allocUnsafe(plain.length + 2)
  let at = 0
  for (const part of plain.split('.')) {
    if (part.length === 0 || part.length > mostLabelBytes) return undefined
    bytes[at] = part.length
    bytes.write(part, at + 1, 'latin1')
    at += part.length + 1
  }
  bytes[at] = 0
  return bytes
}

/**
 * End of the uncompressed name that begins at `start`, or -1 when it is cut off, compressed or too long. Questions are read with
 * it: nothing before them could be pointed to.
 */
export function endOfName(message: Uint8Array, start: number): number {
  let at = start
  while (at < message.length) {
    const length = message[at]!
    if (length === 0) return at + 1 - start <= mostNameBytes ? at + 1 : -1
    if (length > mostLabelBytes) return -1
    at += length + 1
  }
  return -1
}

/** End of a name that may end in a pointer, which is not followed. -1 when it is cut off. */
export function skipName(message: Uint8Array, start: number): number {
  let at = start
  while (at < message.length) {
    const length = message[at]!
    if (length === 0) return at + 1
    if (length >= 0xc0) return at + 2 <= message.length ? at + 2 : -1
    if (length > mostLabelBytes) return -1
    at += length + 1
  }
  return -1
}

/**
 * The text form, lower-cased, with final dot, of an uncompressed name known to be sound. `undefined` when a label holds a byte that no
 * name of ours has: a dot, a blank, something not ASCII.
 */
export function readName(message: Uint8Array, start: number): string | undefined {
  let text = ''
  let at = start
  for (let length = message[at]!; length !== 0; length = message[at]!) {
    for (let index = at + 1; index <= at + length; index++) {
      let byte = message[index]!
      if (byte <= 0x20 || byte >= 0x7f || byte === 0x2e) return undefined
      if (byte >= 0x41 && byte <= 0x5a) byte += 0x20
      text += String.fromCharCode(byte)
    }
    text += '.'
    at += length + 1
  }
  return text === '' ? '.' : text
}
