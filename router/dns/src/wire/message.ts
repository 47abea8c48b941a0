import { flags, headerBytes, types } from './constants.ts'
import type { Query } from './query.ts'

/** An answer without its question: sections whose records stand for themselves (see RecordEncoder). */
export interface Sections {
  readonly rcode: number
  readonly authoritative: boolean
  readonly answers: Buffer
  /** Begin of each answer and the end of the last. */
  readonly offsets: readonly number[]
  readonly authority: Buffer
  readonly authorityCount: number
  readonly additional: Buffer
  readonly additionalCount: number
}

const nothing = Buffer.alloc(0)

export const emptySections: Sections = {
  rcode: 0,
  authoritative: false,
  answers: nothing,
  offsets: [0],
  authority: nothing,
  authorityCount: 0,
  additional: nothing,
  additionalCount: 0,
}

export interface Rendering {
  /** Largest message, bytes. */
  readonly limit: number
  /** Whether answers over the limit say so (SetTruncateBit). */
  readonly truncateBit: boolean
  readonly recursion: boolean
  /** Our largest UDP message, told to clients that speak EDNS. */
  readonly ednsSize: number
}

const optBytes = 11

/**
 * The whole reply to a query: its id and question as they were asked, answers rotated by the message's id, and what does not fit left
 * out: additional records first, then answers from the end (contract 1.5).
 */
export function render(
  query: Query,
  sections: Sections,
  { limit, truncateBit, recursion, ednsSize }: Rendering,
): Buffer {
  const { message, questionEnd, edns } = query
  const { answers, offsets, authority, additional } = sections
  const count = offsets.length - 1
  const room = limit - questionEnd - (edns === undefined ? 0 : optBytes)
  const isWhole = answers.length + authority.length + additional.length <= room
  const rotation = count > 1 ? message.readUInt16BE(0) % count : 0
  const kept = isWhole ? count : fittingAnswers(offsets, rotation, room - authority.length)
  const answerBytes = isWhole ? answers.length : rotatedLength(offsets, rotation, kept)
  const extra = isWhole ? additional.length : 0
  const length = questionEnd + answerBytes + authority.length + extra + (edns === undefined ? 0 : optBytes)
  const reply = Buffer.allocUnsafe(length)
  message.copy(reply, 0, 0, questionEnd)
  const truncated = !isWhole && truncateBit
  reply[2] = flags.QR | (sections.authoritative ? flags.AA : 0) | (truncated ? flags.TC : 0) | (message[2]! & flags.RD)
  reply[3] = (recursion ? flags.RA : 0) | (sections.rcode & 0x0f)
  reply.writeUInt16BE(kept, 6)
  reply.writeUInt16BE(sections.authorityCount, 8)
  reply.writeUInt16BE((isWhole ? sections.additionalCount : 0) + (edns === undefined ? 0 : 1), 10)
  let at = copyRotated(reply, questionEnd, answers, offsets, rotation, kept)
  at += authority.copy(reply, at)
  if (extra > 0) at += additional.copy(reply, at)
  if (edns !== undefined) writeOpt(reply, at, ednsSize, sections.rcode)
  return reply
}

/** A reply to what could not be read: the header only. */
export function renderError(message: Buffer, rcode: number): Buffer {
  const reply = Buffer.alloc(headerBytes)
  message.copy(reply, 0, 0, 2)
  reply[2] = flags.QR | (message[2]! & (0x78 | flags.RD))
  reply[3] = rcode & 0x0f
  return reply
}

function writeOpt(reply: Buffer, at: number, size: number, rcode: number): void {
  reply[at] = 0
  reply.writeUInt16BE(types.OPT, at + 1)
  reply.writeUInt16BE(size, at + 3)
  reply.writeUInt32BE(((rcode >> 4) << 24) >>> 0, at + 5)
  reply.writeUInt16BE(0, at + 9)
}

/** Length of answers [rotation, rotation + kept), going round at the end. */
function rotatedLength(offsets: readonly number[], rotation: number, kept: number): number {
  const count = offsets.length - 1
  const end = rotation + kept
  if (end <= count) return offsets[end]! - offsets[rotation]!
  return offsets[count]! - offsets[rotation]! + offsets[end - count]!
}

function fittingAnswers(offsets: readonly number[], rotation: number, room: number): number {
  let kept = offsets.length - 1
  while (kept > 0 && rotatedLength(offsets, rotation, kept) > room) kept -= 1
  return kept
}

function copyRotated(
  reply: Buffer,
  start: number,
  answers: Buffer,
  offsets: readonly number[],
  rotation: number,
  kept: number,
): number {
  const count = offsets.length - 1
  const end = rotation + kept
  const at = start + answers.copy(reply, start, offsets[rotation], offsets[Math.min(end, count)])
  return end > count ? at + answers.copy(reply, at, 0, offsets[end - count]) : at
}
