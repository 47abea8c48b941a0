import { ipv6Groups } from '../records/reverse.ts'
import type { ZoneSettings } from '../records/zone.ts'
import { classes, headerBytes, types } from './constants.ts'
import { encodeName } from './names.ts'

/**
 * Encodes records that follow a question. Names are compressed against the question's name only, which always begins at byte
 * 12: so every record means the same wherever it stands in the message, and answers can be rotated and cut by copying bytes.
 */
export class RecordEncoder {
  readonly #question: string
  readonly #chunks: Buffer[] = []
  readonly #offsets: number[] = [0]
  #length = 0

  /** `question`: the asked name, lower-cased, with final dot; '' when nothing may point to it. */
  constructor(question: string) {
    this.#question = question
  }

  /** Bytes at which records begin, and the end of the last. */
  get offsets(): readonly number[] {
    return this.#offsets
  }

  get count(): number {
    return this.#offsets.length - 1
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks, this.#length)
  }

  /** Adds a record; one with a name that has no wire form is left out. */
  address(owner: string, address: string, ttl: number): void {
    const isV6 = address.includes(':')
    this.#add(owner, isV6 ? types.AAAA : types.A, ttl, isV6 ? encodeIpv6(address) : encodeIpv4(address))
  }

  srv(owner: string, target: string, port: number, ttl: number, { srvPriority, srvWeight }: ZoneSettings): void {
    // RFC 2782: the target is not compressed, and resolvers (c-ares) take no reply in which it is.
    const name = encodeName(target)
    if (name === undefined) return
    const fixed = Buffer.allocUnsafe(6)
    fixed.writeUInt16BE(srvPriority, 0)
    fixed.writeUInt16BE(srvWeight, 2)
    fixed.writeUInt16BE(port, 4)
    this.#add(owner, types.SRV, ttl, Buffer.concat([fixed, name]))
  }

  pointer(owner: string, target: string, ttl: number): void {
    const name = this.#name(target)
    if (name !== undefined) this.#add(owner, types.PTR, ttl, name)
  }

  soa(owner: string, settings: ZoneSettings, serial: number): void {
    const nameserver = this.#name(settings.nameserver)
    const contact = this.#name(settings.contact)
    if (nameserver === undefined || contact === undefined) return
    const numbers = Buffer.allocUnsafe(20)
    const values = [serial, settings.refresh, settings.retry, settings.expire, settings.minimum]
    values.forEach((value, index) => {
      numbers.writeUInt32BE(value >>> 0, index * 4)
    })
    this.#add(owner, types.SOA, settings.ttl, Buffer.concat([nameserver, contact, numbers]))
  }

  nameserver(owner: string, settings: ZoneSettings): void {
    const name = this.#name(settings.nameserver)
    if (name !== undefined) this.#add(owner, types.NS, settings.nameserverTtl, name)
  }

  #add(owner: string, type: number, ttl: number, data: Buffer): void {
    const name = this.#name(owner)
    if (name === undefined) return
    const fixed = Buffer.allocUnsafe(10)
    fixed.writeUInt16BE(type, 0)
    fixed.writeUInt16BE(classes.IN, 2)
    fixed.writeUInt32BE(ttl, 4)
    fixed.writeUInt16BE(data.length, 8)
    this.#chunks.push(name, fixed, data)
    this.#length += name.length + fixed.length + data.length
    this.#offsets.push(this.#length)
  }

  /** The name's own labels, then a pointer to where the question's name goes on alike. In text and on the wire labels begin at the same place. */
  #name(name: string): Buffer | undefined {
    const whole = encodeName(name)
    if (whole === undefined || this.#question === '') return whole
    for (let at = 0; at < name.length; at = name.indexOf('.', at) + 1) {
      const suffix = name.slice(at)
      const place = this.#question.length - suffix.length
      const begins = place === 0 || this.#question[place - 1] === '.'
      if (place < 0 || !begins || !this.#question.endsWith(suffix)) continue
      const pointer = Buffer.from([0xc0 | ((headerBytes + place) >> 8), (headerBytes + place) & 0xff])
      return Buffer.concat([whole.subarray(0, at), pointer])
    }
    return whole
  }
}

function encodeIpv4(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number))
}

function encodeIpv6(address: string): Buffer {
  return Buffer.from(ipv6Groups(address).join(''), 'hex')
}
