import { createHash } from 'node:crypto'

const alphabet = 'ybndrfg8ejkmcpqxot1uwisza345h769'

/** zbase32 of bytes, most significant bits first; the last character is filled with zero bits. */
export function zbase32(bytes: Uint8Array): string {
  let text = ''
  let held = 0
  let bits = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += alphabet[(held >> bits) & 31]
    }
    held &= (1 << bits) - 1
  }
  return bits > 0 ? text + alphabet[(held << (5 - bits)) & 31] : text
}

/** The five characters that tell tasks of one name apart (contract 1.4): `test` is `iffe9`. */
export function taskHash(taskId: string): string {
  return zbase32(createHash('sha1').update(taskId).digest().subarray(0, 4)).slice(0, 5)
}
