import type { ErrorObject } from 'ajv'
import type { Json, JsonObject } from './json.ts'

/**
 * One failure of options against their schema, with the members that clients of Cosmos read (catalog contract 5, last paragraph):
 * `instance.pointer`, `unwanted`, `missing`, `found`, `expected`, `minimum` and the like by keyword.
 */
export interface Mismatch {
  readonly level: 'error'
  readonly domain: 'validation'
  readonly keyword: string
  readonly message: string
  readonly schema: { readonly pointer: string }
  readonly instance: { readonly pointer: string }
  readonly [detail: string]: unknown
}

type Error = ErrorObject<string, Record<string, unknown>>

/** Words ajv's errors, all of them: those about the same object and keyword become one, those inside a choice become its reports. */
export function toMismatches(errors: readonly Error[]): Mismatch[] {
  const choices = errors.filter(error => error.keyword === 'anyOf' || error.keyword === 'oneOf')
  const isInside = (error: Error, choice: Error) =>
    error !== choice &&
    error.schemaPath.startsWith(`${choice.schemaPath}/`) &&
    error.instancePath.startsWith(choice.instancePath)
  const outer = errors.filter(error => !choices.some(choice => isInside(error, choice)))
  const groups = new Map<string, Error[]>()
  for (const error of outer) {
    const key = `${error.instancePath} ${error.schemaPath}`
    groups.set(key, [...(groups.get(key) ?? []), error])
  }
  return [...groups.values()].map(group => {
    const first = group[0]!
    const details = detailsOf(first, group)
    const isChoice = choices.includes(first)
    const reports = isChoice ? { reports: toMismatches(errors.filter(error => isInside(error, first))) } : {}
    return {
      level: 'error',
      domain: 'validation',
      keyword: first.keyword,
      message: sentence(first, details),
      schema: { pointer: parentPointer(first.schemaPath) },
      instance: { pointer: first.instancePath },
      ...details,
      ...reports,
    }
  })
}

/** Ajv names the keyword's place (`#/properties/a/type`); clients want the schema's (`/properties/a`). */
function parentPointer(schemaPath: string): string {
  const pointer = schemaPath.replace(/^#/, '')
  return pointer.slice(0, pointer.lastIndexOf('/'))
}

function detailsOf(error: Error, group: readonly Error[]): Record<string, unknown> {
  const { keyword, params, schema, data } = error
  switch (keyword) {
    case 'required':
      return {
        required: schema,
        missing: group.map(one => one.params.missingProperty),
      }
    case 'additionalProperties':
      return { unwanted: group.map(one => one.params.additionalProperty) }
    case 'type':
      return { found: typeOf(data as Json), expected: [schema].flat() }
    case 'minimum':
    case 'maximum':
      return { [keyword]: params.limit ?? schema, found: data }
    case 'minLength':
    case 'maxLength':
      return { [keyword]: schema, found: [...String(data)].length, value: data }
    case 'minItems':
    case 'maxItems':
      return { [keyword]: schema, found: (data as unknown[]).length }
    case 'minProperties':
    case 'maxProperties':
      return { [keyword]: schema, found: Object.keys(data as JsonObject).length }
    case 'pattern':
      return { regex: schema, string: data }
    case 'enum':
      return { enum: schema, value: data }
    case 'multipleOf':
      return { divisor: schema, value: data }
    case 'dependencies':
      return { missing: group.map(one => one.params.missingProperty), property: params.property }
    default:
      return {}
  }
}

function typeOf(value: Json): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}

const list = (values: unknown): string => JSON.stringify(values)

function sentence(error: Error, details: Record<string, unknown>): string {
  switch (error.keyword) {
    case 'required':
      return `object has missing required properties (${list(details.missing)})`
    case 'additionalProperties':
      return `object has properties which are not allowed (${list(details.unwanted)})`
    case 'type':
      return `the type is ${details.found}, and must be ${(details.expected as string[]).join(' or ')}`
    case 'enum':
      return `the value ${list(details.value)} is none of those allowed: ${list(details.enum)}`
    case 'pattern':
      return `the text ${list(details.string)} does not match the pattern ${details.regex}`
    case 'anyOf':
      return 'the value matches none of the schemas of which one must match'
    case 'oneOf':
      return 'the value must match exactly one of the schemas, and does not'
    default:
      return error.message ?? `the value breaks the rule ${error.keyword}`
  }
}
