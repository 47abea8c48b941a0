import { isObject, type Json, type JsonObject } from '../render/json.ts'

/** A package file that is not what it must be: where, and why. */
export class FormatProblem extends Error {
  readonly path: string
  readonly reason: string
  constructor(path: string, reason: string) {
    super(`${path}: ${reason}`)
    this.name = 'FormatProblem'
    this.path = path
    this.reason = reason
  }
}

/** Checks one value, and throws `FormatProblem` with its path. */
export type Check = (value: Json, path: string) => void

/** Longer texts are not notes or names any more. */
const maxText = 256 * 1024

export function text(pattern?: RegExp, hint?: string): Check {
  return (value, path) => {
    if (typeof value !== 'string') throw new FormatProblem(path, 'must be a string')
    if (value.length > maxText) throw new FormatProblem(path, `must not be longer than ${maxText} characters`)
    if (pattern && !pattern.test(value)) throw new FormatProblem(path, hint ?? `must match ${pattern.source}`)
  }
}

export const flag: Check = (value, path) => {
  if (typeof value !== 'boolean') throw new FormatProblem(path, 'must be true or false')
}

export const number: Check = (value, path) => {
  if (typeof value !== 'number') throw new FormatProblem(path, 'must be a number')
}

export function choice(...allowed: readonly string[]): Check {
  return (value, path) => {
    if (typeof value !== 'string' || !allowed.includes(value)) {
      throw new FormatProblem(path, `must be one of ${allowed.join(', ')}`)
    }
  }
}

export function listOf(item: Check, least = 0): Check {
  return (value, path) => {
    if (!Array.isArray(value)) throw new FormatProblem(path, 'must be a list')
    if (value.length < least) throw new FormatProblem(path, `must have at least ${least} element(s)`)
    value.forEach((element, index) => {
      item(element as Json, `${path}[${index}]`)
    })
  }
}

/** An object whose members are all of one kind. */
export function mapOf(item: Check, key?: Check): Check {
  return (value, path) => {
    for (const [name, element] of entriesOf(value, path)) {
      key?.(name, `${path} (the name ${name})`)
      item(element, `${path}.${name}`)
    }
  }
}

/** An object of known members; others are an error when `strict`, else they are nobody's business. */
export function shape(
  members: Readonly<Record<string, Check>>,
  required: readonly string[] = [],
  strict = true,
): Check {
  return (value, path) => {
    const found = entriesOf(value, path)
    for (const name of required) {
      if (!found.some(([key, item]) => key === name && item !== null)) {
        throw new FormatProblem(`${path}.${name}`, 'is required')
      }
    }
    for (const [name, element] of found) {
      const check = Object.hasOwn(members, name) ? members[name] : undefined
      if (check) check(element, `${path}.${name}`)
      else if (strict) throw new FormatProblem(`${path}.${name}`, 'is not a known member')
    }
  }
}

export const anyObject: Check = (value, path) => {
  entriesOf(value, path)
}

function entriesOf(value: Json, path: string): [string, Json][] {
  if (!isObject(value)) throw new FormatProblem(path, 'must be an object')
  return Object.entries(value as JsonObject) as [string, Json][]
}
