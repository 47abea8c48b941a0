import fc from 'fast-check'
import t from 'tap'
import { decode, encode, fromJson, parseJson, stringify, toJson } from '../../src/protocol/codec.ts'
import { messageNames } from '../../src/protocol/schema.ts'
import { seedOf } from '../seed.ts'
import { messageArbitrary } from './random-message.ts'
import { referenceDecode, referenceEncode, types } from './reference.ts'

const RUNS_A_MESSAGE = 20

t.test('random messages of every type keep all they say', async t => {
  const seed = seedOf(t)
  const names = messageNames()
  t.ok(names.length > 200, `there are ${names.length} message types`)
  for (const name of names) {
    fc.assert(
      fc.property(messageArbitrary(name), message => {
        const bytes = encode(name, message)
        same(decode(name, bytes), message, 'memory -> protobuf -> memory')
        same(fromJson(name, message), message, 'memory is checked JSON')
        const json = toJson(name, message)
        const text = stringify(name, message)
        same(JSON.parse(text), json, 'stringify writes toJson')
        same(toJson(name, parseJson(name, text)), json, 'JSON -> memory -> JSON')
        same(decode(name, encode(name, fromJson(name, json))), fromJson(name, json), 'JSON -> protobuf -> memory')
        const ascii = stringify(name, message, { ascii: true })
        if (!/^[\u0020-\u007f]*$/.test(ascii)) throw new Error(`not ASCII, or not one line: ${ascii}`)
        same(parseJson(name, Buffer.from(ascii)), parseJson(name, text), 'escaping changes nothing')
      }),
      { seed, numRuns: RUNS_A_MESSAGE },
    )
  }
})

t.test("protobufjs's own codec reads and writes the same", async t => {
  const seed = seedOf(t)
  for (const name of messageNames()) {
    fc.assert(
      fc.property(messageArbitrary(name), message => {
        // protobufjs has no own property for a map's key `__proto__`.
        if (JSON.stringify(message).includes('"__proto__"')) return
        same(referenceDecode(name, encode(name, message)), message, 'ours -> protobufjs')
        same(decode(name, referenceEncode(name, message)), message, 'protobufjs -> ours')
      }),
      { seed, numRuns: 8 },
    )
  }
  t.equal(types.size, messageNames().length, 'of every message')
})

/** Equal as values: whether a map has a prototype, and the order of keys, does not matter. */
function same(found: unknown, wanted: unknown, what: string): void {
  const [a, b] = [canonical(found), canonical(wanted)]
  if (a !== b) throw new Error(`${what}:\n${a}\n${b}`)
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value === 'object' && value !== null)
    return `{${Object.keys(value)
      .sort()
      .map(key => `${JSON.stringify(key)}:${canonical((value as Record<string, unknown>)[key])}`)
      .join()}}`
  return typeof value === 'number' ? String(value) : JSON.stringify(value)
}
