import t from 'tap'
import { isCompatible, mediaType, negotiate, parseAccept, parseMediaType } from '../src/api/media-type.ts'
import { readRequest } from '../src/api/requests.ts'
import { FormatProblem } from '../src/formats/fields.ts'
import { readRepositoryJson } from '../src/formats/repository-json.ts'
import { decodeJson, encodeJson, packEnvelope, unpackEnvelope } from '../src/render/envelope.ts'
import { type Json, type JsonObject, JsonProblem, parseJson, stringifyJson } from '../src/render/json.ts'
import { fillTemplate, TemplateProblem } from '../src/render/template.ts'
import { validateOptions } from '../src/render/validate.ts'

const seed = Number(process.env.MESETA_SEED ?? 20261124)
t.comment(`seed ${seed}`)

let state = seed
/** A whole number below `limit` (a linear congruential generator: the same seed, the same numbers). */
function below(limit: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return Math.floor((state / 0x1_0000_0000) * limit)
}
const pick = <Item>(items: readonly Item[]): Item => items[below(items.length)]!

const names = [
  'a',
  'b',
  'type',
  'properties',
  'default',
  'enum',
  'id',
  '$ref',
  '__proto__',
  'constructor',
  'x y',
  'required',
  'oneOf',
  'items',
  'packages',
  'name',
]
const leaves = [
  '""',
  '"a\\"b"',
  '"string"',
  '0',
  '1.0',
  '-1e5',
  '9223372036854775807',
  '1e400',
  'true',
  'false',
  'null',
  '"#"',
  '"[("',
  '"^(a|a)*$"',
]

function json(depth: number): string {
  const kind = depth === 0 ? 0 : below(3)
  if (kind === 0) return pick(leaves)
  const count = below(4)
  const inner = Array.from({ length: count }, () => json(depth - 1))
  return kind === 1 ? `[${inner.join()}]` : `{${inner.map(value => `"${pick(names)}":${value}`).join()}}`
}

/** The same text with a few bytes changed, cut or doubled. */
function damaged(text: string): string {
  const bytes = Buffer.from(text)
  for (let count = below(3); count > 0 && bytes.length > 0; count -= 1) bytes[below(bytes.length)] = below(256)
  return bytes.subarray(0, below(4) === 0 ? below(bytes.length + 1) : bytes.length).toString('utf8')
}

/** Runs it, and lets through only the errors that callers are told of. */
function tolerate(work: () => unknown, ...allowed: (new (...args: never[]) => Error)[]): void {
  try {
    work()
  } catch (error) {
    if (!allowed.some(type => error instanceof type)) throw error
  }
}

t.test('whatever comes, decoders answer or refuse', async t => {
  const readers = Object.values(readRequest) as ((body: Json) => unknown)[]
  const offered = [mediaType('application/x+json;charset=utf-8;version=v1')]
  for (let round = 0; round < 20_000; round += 1) {
    const text = damaged(json(4))
    tolerate(() => readRepositoryJson(text), JsonProblem, FormatProblem)
    tolerate(() => pick(readers)(parseJson(text)), JsonProblem, FormatProblem)
    tolerate(() => unpackEnvelope(parseJson(text)), JsonProblem)
    const header = damaged('application/x+json; charset=utf-8 ;version=v1;q=0.5, a/b')
    const type = parseMediaType(header)
    if (type) isCompatible(offered[0]!, type)
    const accepted = parseAccept(header)
    if (accepted) negotiate(accepted, offered)
  }
  for (let round = 0; round < 2_000; round += 1) {
    const packed = stringifyJson(packEnvelope('a/b', parseJson(json(2))))
    tolerate(() => unpackEnvelope(decodeJson(Buffer.from(damaged(packed)).toString('base64'))), JsonProblem)
  }
  t.pass()
})

t.test('JSON survives: parsed and written it is the same, number for number', async t => {
  for (let round = 0; round < 5_000; round += 1) {
    const value = parseJson(json(5))
    const text = stringifyJson(value)
    if (stringifyJson(parseJson(text)) !== text) t.fail(text)
    if (stringifyJson(decodeJson(encodeJson(value))) !== text) t.fail(text)
  }
  t.pass()
})

t.test('any template over any options is filled or refused', async t => {
  const tags = [
    '{{a}}',
    '{{{a.b}}}',
    '{{&x y}}',
    '{{#a}}',
    '{{/a}}',
    '{{^b}}',
    '{{/b}}',
    '{{.}}',
    '{{! c }}',
    '{{#asJson}}a{{/asJson}}',
    '{{a.isEmpty}}',
    '{{',
    '}}',
    '{{=<% %>=}}',
    '{{> p}}',
    'text',
    '\n  ',
  ]
  for (let round = 0; round < 20_000; round += 1) {
    const template = Array.from({ length: below(8) }, () => pick(tags)).join('')
    const options = parseJson(`{"a":${json(3)},"b":${json(2)}}`) as JsonObject
    tolerate(() => fillTemplate(template, options), TemplateProblem)
  }
  t.pass()
})

t.test('any schema over any options gives failures, never an error', async t => {
  for (let round = 0; round < 1_500; round += 1) {
    const schema = parseJson(
      `{"type":"object","properties":${json(4).replace(/^[^{].*$/s, '{}')},"x":${json(2)}}`,
    ) as JsonObject
    const options = parseJson(`{"a":${json(3)},"b":${json(2)}}`) as JsonObject
    if (!Array.isArray(validateOptions(options, schema))) t.fail('no answer')
  }
  t.pass()
})
