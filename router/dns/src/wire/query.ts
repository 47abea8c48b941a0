import { flags, headerBytes, rcodes, types } from './constants.ts'
import { endOfName, skipName } from './names.ts'

/** A question as it arrived. The question is message[12..questionEnd). */
export interface Query {
  readonly message: Buffer
  /** End of the name within the question. */
  readonly nameEnd: number
  readonly questionEnd: number
  readonly type: number
  readonly class: number
  readonly edns: Edns | undefined
}

export interface Edns {
  /** Largest UDP answer that the client takes. */
  readonly size: number
  readonly version: number
}

/** What could not be read as a question: the code to answer with, or nothing to say at all. */
export type Unreadable = { readonly rcode: number } | 'drop'

/** What follows a record's name: type, class, TTL, length. */
const fixedBytes = 10
/** The name of an OPT is the root. */
const optHeaderBytes = 1 + fixedBytes

/** Reads a question. Never throws. The usual shapes (one question, at most an OPT behind it) are read in place. */
export function readQuery(message: Buffer): Query | Unreadable {
  if (message.length < headerBytes || (message[2]! & flags.QR) !== 0) return 'drop'
  if ((message[2]! & 0x78) !== 0) return { rcode: rcodes.NOTIMP }
  const nameEnd = endOfName(message, headerBytes)
  const questionEnd = nameEnd + 4
  if (message.readUInt16BE(4) !== 1 || nameEnd < 0 || questionEnd > message.length) return { rcode: rcodes.FORMERR }
  const edns = readEdns(message, questionEnd)
  if (edns === 'unreadable') return { rcode: rcodes.FORMERR }
  const type = message.readUInt16BE(nameEnd)
  return { message, nameEnd, questionEnd, type, class: message.readUInt16BE(nameEnd + 2), edns }
}

function readEdns(message: Buffer, at: number): Edns | undefined | 'unreadable' {
  const others = message.readUInt32BE(6)
  const additional = message.readUInt16BE(10)
  if (others === 0 && additional === 0) return undefined
  const simple = others === 0 && additional === 1 && message.length >= at + optHeaderBytes && message[at] === 0
  if (!simple || message.readUInt16BE(at + 1) !== types.OPT) return readOddEdns(message, at)
  if (at + optHeaderBytes + message.readUInt16BE(at + 9) > message.length) return 'unreadable'
  return { size: message.readUInt16BE(at + 3), version: message[at + 6]! }
}

/** A question with further records (a TSIG, records in other sections): they are passed over, one by one. */
function readOddEdns(message: Buffer, start: number): Edns | undefined | 'unreadable' {
  const others = message.readUInt16BE(6) + message.readUInt16BE(8)
  const count = others + message.readUInt16BE(10)
  let found: Edns | undefined
  let at = start
  for (let index = 0; index < count; index++) {
    const fixed = skipName(message, at)
    if (fixed < 0 || fixed + fixedBytes > message.length) return 'unreadable'
    at = fixed + fixedBytes + message.readUInt16BE(fixed + 8)
    if (at > message.length) return 'unreadable'
    if (index < others || message.readUInt16BE(fixed) !== types.OPT) continue
    if (found !== undefined) return 'unreadable'
    found = { size: message.readUInt16BE(fixed + 2), version: message[fixed + 5]! }
  }
  return found
}
