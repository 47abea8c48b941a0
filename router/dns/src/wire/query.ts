import { Packet } from 'dns2'
import { flags, headerBytes, rcodes, types } from './constants.ts'
import { endOfName } from './names.ts'

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

const optHeaderBytes = 11

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
  if (!simple || message.readUInt16BE(at + 1) !== types.OPT) return readOddEdns(message)
  if (at + optHeaderBytes + message.readUInt16BE(at + 9) > message.length) return 'unreadable'
  return { size: message.readUInt16BE(at + 3), version: message[at + 6]! }
}

/** A question with further records (a TSIG, records in other sections): read whole, record by record. */
function readOddEdns(message: Buffer): Edns | undefined | 'unreadable' {
  try {
    const packet = Packet.parse(message)
    if (packet.errors.length > 0) return 'unreadable'
    const options = packet.additionals.filter(record => record.type === types.OPT)
    if (options.length > 1) return 'unreadable'
    const [option] = options
    return option && { size: option.class, version: option.version ?? (option.ttl >>> 16) & 0xff }
  } catch {
    return 'unreadable'
  }
}
