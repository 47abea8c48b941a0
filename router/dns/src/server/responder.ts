import type { Zones } from '../records/zones.ts'
import { classes, headerBytes, mostTcpBytes, plainUdpBytes, rcodes, types } from '../wire/constants.ts'
import { emptySections, type Rendering, render, renderError, type Sections } from '../wire/message.ts'
import { readName } from '../wire/names.ts'
import { type Query, readQuery } from '../wire/query.ts'
import { answer } from './answers.ts'
import { KeptAnswers } from './kept-answers.ts'
import { Routes } from './routes.ts'

export type Transport = 'udp' | 'tcp'

export interface ResponderOptions {
  readonly truncateBit: boolean
  /** RA flag of answers in our zones (recurseon). */
  readonly recursion: boolean
  /** Largest UDP answer for a client that takes as much, bytes. */
  readonly ednsSize: number
}

/** What to do with a message: send this, ask outside, or nothing. */
export type Response = Buffer | { readonly forward: Query } | undefined

const mostQuestionBytes = 260

/**
 * Turns messages into replies from the zones. An answer is encoded once; while its records stay as they are, a query costs one look-up
 * by the bytes of its question and one copy. Never throws, whatever the message is.
 */
export class Responder {
  readonly #routes: Routes
  readonly #options: ResponderOptions
  readonly #kept = new KeptAnswers()
  readonly #scratch = Buffer.alloc(mostQuestionBytes)
  readonly #renderings: Readonly<Record<Transport, Rendering>>
  readonly #servesZone: (zone: Zones[keyof Zones]) => boolean

  /** `servesZone`: whether a zone has had its first data; before, its names get SERVFAIL. */
  constructor(zones: Zones, servesZone: (zone: Zones[keyof Zones]) => boolean, options: ResponderOptions) {
    this.#routes = new Routes(zones)
    this.#servesZone = servesZone
    this.#options = options
    const { truncateBit, recursion, ednsSize } = options
    this.#renderings = {
      udp: { limit: plainUdpBytes, truncateBit, recursion, ednsSize },
      tcp: { limit: mostTcpBytes, truncateBit, recursion, ednsSize },
    }
  }

  respond(message: Buffer, transport: Transport): Response {
    const query = readQuery(message)
    if (query === 'drop') return undefined
    if ('rcode' in query) return renderError(message, query.rcode)
    if (query.edns !== undefined && query.edns.version !== 0) return this.#code(query, transport, rcodes.BADVERS)
    const mixedCase = this.#lowerQuestion(query)
    const key = this.#scratch.toString('latin1', 0, query.questionEnd - headerBytes)
    const kept = mixedCase ? undefined : this.#kept.get(key)
    if (kept !== undefined) return this.#render(query, transport, kept.sections)
    return this.#answer(query, transport, key, mixedCase)
  }

  /** A reply that says only a code: SERVFAIL, REFUSED. */
  refuse(query: Query, transport: Transport, rcode: number): Buffer {
    return this.#code(query, transport, rcode)
  }

  #answer(query: Query, transport: Transport, key: string, mixedCase: boolean): Response {
    const asked = readName(query.message, headerBytes)
    const isOurs = query.class === classes.IN || query.class === classes.ANY
    const route = asked === undefined ? undefined : this.#routes.find(asked.replaceAll('.*', ''))
    if (asked === undefined || route === undefined) return { forward: query }
    const isTransfer = query.type === types.AXFR || query.type === types.IXFR
    if (!isOurs || isTransfer) return this.#code(query, transport, rcodes.REFUSED)
    if (!this.#servesZone(route.zone)) return this.#code(query, transport, rcodes.SERVFAIL)
    const lowered = mixedCase && (query.type === types.A || query.type === types.AAAA)
    const made = answer(route, asked, query.type, lowered ? asked : undefined)
    if (made.keepable && !lowered) this.#kept.set(key, made)
    return this.#render(query, transport, made.sections)
  }

  #render(query: Query, transport: Transport, sections: Sections): Buffer {
    const rendering = this.#renderings[transport]
    if (query.edns === undefined || transport === 'tcp') return render(query, sections, rendering)
    const limit = Math.max(plainUdpBytes, Math.min(query.edns.size, this.#options.ednsSize))
    return render(query, sections, { ...rendering, limit })
  }

  #code(query: Query, transport: Transport, rcode: number): Buffer {
    return this.#render(query, transport, { ...emptySections, rcode })
  }

  /** Copies the question with its name in lower case into the scratch; true when it had capitals. Lengths are under 'A' and stay as they are. */
  #lowerQuestion({ message, nameEnd, questionEnd }: Query): boolean {
    const scratch = this.#scratch
    let mixed = false
    for (let at = headerBytes; at < nameEnd; at++) {
      const byte = message[at]!
      const isCapital = byte >= 0x41 && byte <= 0x5a
      if (isCapital) mixed = true
      scratch[at - headerBytes] = isCapital ? byte + 0x20 : byte
    }
    for (let at = nameEnd; at < questionEnd; at++) scratch[at - headerBytes] = message[at]!
    return mixed
  }
}
