import { flags, headerBytes, rcodes, types } from '../wire/constants.ts'
import { endOfName, skipName } from '../wire/names.ts'

/** Whether a message is the reply to this question: the same id, a response, the same question without regard to case. */
export function isReplyTo(question: Buffer, reply: Buffer): boolean {
  if (reply.length < headerBytes || reply[0] !== question[0] || reply[1] !== question[1]) return false
  if ((reply[2]! & flags.QR) === 0 || ((reply[2]! ^ question[2]!) & 0x78) !== 0) return false
  const nameEnd = endOfName(question, headerBytes)
  const end = nameEnd + 4
  if (reply.readUInt16BE(4) !== 1) return isBareError(reply)
  if (reply.length < end) return false
  for (let at = headerBytes; at < end; at++) {
    const [a, b] = [question[at]!, reply[at]!]
    if (a !== b && !(at < nameEnd && lower(a) === lower(b))) return false
  }
  return true
}

/** Some servers send their refusals without the question. */
const isBareError = (reply: Buffer): boolean =>
  reply.readUInt16BE(4) === 0 && (reply[3]! & 0x0f) !== rcodes.NOERROR && reply.length === headerBytes

const lower = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte)

export interface Lifetimes {
  /** Seconds for which the whole reply may be kept. */
  readonly ttl: number
  /** Where the TTL of each record stands, its OPT left out. */
  readonly places: readonly number[]
}

const longestTtl = 86_400
const longestNegativeTtl = 300

/** How long a reply may be kept: its smallest TTL; for one without answers its SOA's (RFC 2308). `undefined`: not at all. */
export function lifetimes(reply: Buffer): Lifetimes | undefined {
  const rcode = reply[3]! & 0x0f
  const truncated = (reply[2]! & flags.TC) !== 0
  if (truncated || (rcode !== rcodes.NOERROR && rcode !== rcodes.NXDOMAIN)) return undefined
  const answers = reply.readUInt16BE(6)
  const count = answers + reply.readUInt16BE(8) + reply.readUInt16BE(10)
  const places: number[] = []
  let ttl = answers > 0 ? longestTtl : longestNegativeTtl
  let hasSoa = false
  let at = endOfName(reply, headerBytes) + 4
  for (let index = 0; index < count; index++) {
    const fixed = skipName(reply, at)
    if (at < headerBytes || fixed < 0 || fixed + 10 > reply.length) return undefined
    const type = reply.readUInt16BE(fixed)
    const end = fixed + 10 + reply.readUInt16BE(fixed + 8)
    if (end > reply.length) return undefined
    if (type !== types.OPT) {
      places.push(fixed + 4)
      ttl = Math.min(ttl, reply.readUInt32BE(fixed + 4))
    }
    if (type === types.SOA && end >= fixed + 14) {
      hasSoa = true
      if (answers === 0) ttl = Math.min(ttl, reply.readUInt32BE(end - 4))
    }
    at = end
  }
  return ttl > 0 && (answers > 0 || hasSoa) ? { ttl, places } : undefined
}
