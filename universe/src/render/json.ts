/**
 * JSON with numbers that survive. `JSON.parse` turns 9223372036854775807 into 9223372036854775808; a number that a double
 * can not hold is kept here as its text, and written back as it came. Objects have own properties only, `__proto__` included.
 */

/** A number kept as its text because a double would change it. `JSON.stringify` writes the text. */
export interface ExactNumber {
  readonly rawJSON: string
}

export type Json = null | boolean | number | string | ExactNumber | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json | undefined
}

/** Text that is not JSON, or nested deeper than we follow. */
export class JsonProblem extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'JsonProblem'
  }
}

/** No package nests half as deep; deeper text is refused, so that walks may recurse. */
export const maxJsonDepth = 100

const engine = JSON as unknown as {
  parse(text: string, reviver?: (key: string, value: unknown, context: { source?: string }) => unknown): unknown
  rawJSON(text: string): ExactNumber
  isRawJSON(value: unknown): value is ExactNumber
}

/** Only text with a long run of digits or an exponent can hold a number that a double changes. */
const mayLoseDigits = /\d{16}|\d\.?[eE][+-]?\d/

/** Parses strict JSON; of repeated keys the last wins. Throws `JsonProblem`. */
export function parseJson(text: string): Json {
  let value: Json
  try {
    value = (mayLoseDigits.test(text) ? engine.parse(text, keepDigits) : JSON.parse(text)) as Json
  } catch (error) {
    throw new JsonProblem(error instanceof RangeError ? tooDeep : (error as Error).message)
  }
  checkDepth(value, maxJsonDepth)
  return value
}

const tooDeep = `nested deeper than ${maxJsonDepth} levels`

function keepDigits(_key: string, value: unknown, context: { source?: string }): unknown {
  if (typeof value !== 'number' || context.source === undefined) return value
  const lost = Math.abs(value) > Number.MAX_SAFE_INTEGER && String(value) !== context.source
  return lost ? engine.rawJSON(context.source) : value
}

function checkDepth(value: Json | undefined, left: number): void {
  if (left < 0) throw new JsonProblem(tooDeep)
  if (Array.isArray(value)) for (const item of value) checkDepth(item, left - 1)
  else if (isObject(value)) for (const key of Object.keys(value)) checkDepth(value[key], left - 1)
}

export function stringifyJson(value: Json, indent?: number): string {
  return JSON.stringify(value, null, indent)
}

export function isExactNumber(value: unknown): value is ExactNumber {
  return engine.isRawJSON(value)
}

/** A value as text: a string as it is, nothing as nothing, anything else as its JSON. */
export function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}

/** A JSON object: neither array nor null nor a kept number. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isExactNumber(value)
}

/** The member of an object that is its own, else undefined: `constructor` and the like are no members. */
export function member(value: unknown, key: string): Json | undefined {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

/** Members that are null or undefined are dropped, at any depth; array elements stay (catalog contract 4). */
export function dropNulls(value: Json): Json {
  if (Array.isArray(value)) return value.map(dropNulls)
  if (!isObject(value)) return value
  const kept = Object.entries(value).filter(([, item]) => item !== null && item !== undefined)
  return Object.fromEntries(kept.map(([key, item]) => [key, dropNulls(item as Json)]))
}

/** Two JSON values with the same members and elements; the order of members does not matter. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => sameJson(item, b[i]))
  if (isExactNumber(a) && isExactNumber(b)) return a.rawJSON === b.rawJSON
  if (!isObject(a) || !isObject(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every(key => Object.hasOwn(b, key) && sameJson(a[key], b[key]))
}
