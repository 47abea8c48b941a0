import { isExactNumber, isObject, type Json, type JsonObject } from './json.ts'

/** A config schema that can not be used: too large, too deep. */
export class SchemaProblem extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'SchemaProblem'
  }
}

/** The largest config of the Universe has some 3,000 schemas; more than this is refused. */
const maxSchemas = 20_000
const maxDepth = 64

const types = ['array', 'boolean', 'integer', 'null', 'number', 'object', 'string']

type Shape = 'schema' | 'schemas' | 'named' | 'value'
const shapes: Readonly<Record<string, Shape>> = {
  additionalItems: 'schema',
  additionalProperties: 'schema',
  not: 'schema',
  allOf: 'schemas',
  anyOf: 'schemas',
  oneOf: 'schemas',
  properties: 'named',
  patternProperties: 'named',
  definitions: 'named',
}

const isCount = (value: unknown) => Number.isInteger(value) && (value as number) >= 0
const isNumber = (value: unknown) => typeof value === 'number' && Number.isFinite(value)
const isBoolean = (value: unknown) => typeof value === 'boolean'
const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length > 0 && value.every(item => typeof item === 'string')

function isPattern(value: unknown): boolean {
  if (typeof value !== 'string') return false
  try {
    new RegExp(value)
    return true
  } catch {
    return false
  }
}

/** The plain keywords of draft-04 and what each one's value must be. */
const plain: Readonly<Record<string, (value: unknown) => boolean>> = {
  $ref: value => typeof value === 'string',
  enum: value => Array.isArray(value) && value.length > 0,
  exclusiveMaximum: isBoolean,
  exclusiveMinimum: isBoolean,
  maximum: isNumber,
  minimum: isNumber,
  maxItems: isCount,
  minItems: isCount,
  maxLength: isCount,
  minLength: isCount,
  maxProperties: isCount,
  minProperties: isCount,
  multipleOf: value => isNumber(value) && (value as number) > 0,
  pattern: isPattern,
  required: isNames,
  uniqueItems: isBoolean,
}

/**
 * The part of a package's schema that validates: draft-04 keywords with values of the right shape, in places where schemas stand.
 * Everything else is left out, as contract 1 asks: stray `id`s (which would be resolved), unknown keywords, formats, defaults.
 */
export function cleanSchema(schema: JsonObject): JsonObject {
  return new Cleaning().schema(schema, 0)
}

class Cleaning {
  #count = 0

  schema(schema: JsonObject, depth: number): JsonObject {
    this.#count += 1
    if (this.#count > maxSchemas) throw new SchemaProblem(`the config schema has more than ${maxSchemas} parts`)
    if (depth > maxDepth) throw new SchemaProblem(`the config schema nests deeper than ${maxDepth} levels`)
    const kept: [string, Json][] = []
    for (const [key, value] of Object.entries(schema)) {
      const clean = this.#keyword(key, value as Json, depth)
      if (clean !== undefined) kept.push([key, clean])
    }
    const result = Object.fromEntries(kept)
    // Draft-04: these two say how the limit beside them is meant, and mean nothing alone.
    if (result.minimum === undefined) delete result.exclusiveMinimum
    if (result.maximum === undefined) delete result.exclusiveMaximum
    return result
  }

  #keyword(key: string, value: Json, depth: number): Json | undefined {
    if (key === 'type') return knownTypes(value)
    if (key === 'items') return Array.isArray(value) ? this.#list(value, depth) : this.#one(value, depth)
    if (key === 'dependencies') return this.#dependencies(value, depth)
    const shape = Object.hasOwn(shapes, key) ? shapes[key] : undefined
    if (shape === 'schema') return typeof value === 'boolean' && key !== 'not' ? value : this.#one(value, depth)
    if (shape === 'schemas') return Array.isArray(value) && value.length > 0 ? this.#list(value, depth) : undefined
    if (shape === 'named') return this.#named(value, depth, key === 'patternProperties')
    if (!Object.hasOwn(plain, key)) return undefined
    const number = asDoubles(value)
    return plain[key]!(number) ? number : undefined
  }

  #one(value: Json, depth: number): JsonObject | undefined {
    return isObject(value) ? this.schema(value, depth + 1) : undefined
  }

  #list(values: readonly Json[], depth: number): JsonObject[] {
    return values.map(value => this.#one(value, depth) ?? {})
  }

  #named(value: Json, depth: number, patterns: boolean): JsonObject | undefined {
    if (!isObject(value)) return undefined
    const entries = Object.entries(value).filter(([name, inner]) => isObject(inner) && (!patterns || isPattern(name)))
    return Object.fromEntries(entries.map(([name, inner]) => [name, this.schema(inner as JsonObject, depth + 1)]))
  }

  #dependencies(value: Json, depth: number): JsonObject | undefined {
    if (!isObject(value)) return undefined
    const entries = Object.entries(value).flatMap(([name, inner]): [string, Json][] => {
      if (isNames(inner)) return [[name, inner]]
      return isObject(inner) ? [[name, this.schema(inner, depth + 1)]] : []
    })
    return Object.fromEntries(entries)
  }
}

function knownTypes(value: Json): Json | undefined {
  const wanted = Array.isArray(value) ? value : [value]
  const known = [...new Set(wanted.filter(type => typeof type === 'string' && types.includes(type)))]
  if (known.length === 0) return undefined
  return Array.isArray(value) ? known : known[0]
}

/** Validation compares doubles: kept numbers become them. */
export function asDoubles(value: Json): Json {
  if (isExactNumber(value)) return Number(value.rawJSON)
  if (Array.isArray(value)) return value.map(asDoubles)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, asDoubles(item as Json)]))
}
