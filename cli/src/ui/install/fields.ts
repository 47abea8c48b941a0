/** One option of a package, as its schema describes it (dashboard contract, 1.5). */
export interface Field {
  /** Keys from the top: `['service', 'name']`. */
  readonly path: readonly string[]
  /** The path in one text; errors and values are kept by it. */
  readonly id: string
  /** The top-level group that it is shown in. */
  readonly section: string
  readonly label: string
  readonly type: 'string' | 'number' | 'integer' | 'boolean' | 'json'
  /** What may be chosen, as it is shown; `values` are what is sent. */
  readonly choices?: readonly string[]
  readonly values?: readonly unknown[]
  readonly description: string
  readonly required: boolean
  readonly fallback: unknown
  readonly minimum?: number
  readonly maximum?: number
  /** Never shown as it is. */
  readonly secret: boolean
}

type Schema = Readonly<Record<string, unknown>>

/** Properties below this depth are edited as JSON, and no schema gives more fields than this. */
const deepest = 6
const most = 2_000

/** All options of a schema, in its order. Options at the top that are no groups are in the section `general`. */
export function fieldsOf(schema: unknown): Field[] {
  const fields: Field[] = []
  collect(schema, [], false, fields)
  return fields
}

function collect(schema: unknown, path: readonly string[], required: boolean, into: Field[]): void {
  if (typeof schema !== 'object' || schema === null || into.length >= most) return
  const { properties, required: names } = schema as Schema
  if (typeof properties === 'object' && properties !== null && path.length < deepest) {
    const needed: readonly unknown[] = Array.isArray(names) ? names : []
    for (const [name, child] of Object.entries(properties)) {
      if (name !== '__proto__') collect(child, [...path, name], needed.includes(name), into)
    }
  } else if (path.length > 0) into.push(fieldOf(schema as Schema, path, required))
}

function fieldOf(schema: Schema, path: readonly string[], required: boolean): Field {
  const { type, title, description, enum: choices, minimum, maximum, media } = schema
  const [section, rest] = path.length > 1 ? [path[0]!, path.slice(1)] : ['general', path]
  const known = type === 'boolean' || type === 'number' || type === 'integer' || type === 'string' ? type : 'json'
  const isNamedSecret = /passw|passphrase|secret|token/i.test(path.at(-1)!)
  return {
    path,
    id: path.join('.'),
    section,
    label: typeof title === 'string' && title !== '' && rest.length === 1 ? title : rest.join('.'),
    type: known,
    ...(Array.isArray(choices) && choices.length > 0 ? { choices: choices.map(show), values: choices } : {}),
    description: typeof description === 'string' ? description.replace(/\s+/g, ' ').trim() : '',
    required,
    fallback: schema.default,
    ...(typeof minimum === 'number' ? { minimum } : {}),
    ...(typeof maximum === 'number' ? { maximum } : {}),
    secret: known === 'string' && isNamedSecret && media === undefined,
  }
}

/** A value as it is typed. */
export const show = (value: unknown): string =>
  value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value)

/** What somebody typed as a value of the field, or why it is none. */
export function read(field: Field, typed: string): { readonly value: unknown } | { readonly problem: string } {
  if (typed === '') {
    // An emptied option that is not required goes back to its default.
    if (!field.required) return { value: undefined }
    return { problem: `${article(field)} is needed` }
  }
  if (field.choices) {
    const index = field.choices.indexOf(typed)
    return index < 0 ? { problem: `one of ${field.choices.join(', ')}` } : { value: field.values![index] }
  }
  switch (field.type) {
    case 'string':
      return { value: typed }
    case 'boolean':
      return typed === 'true' || typed === 'false' ? { value: typed === 'true' } : { problem: 'true or false' }
    case 'json':
      try {
        return { value: JSON.parse(typed) }
      } catch {
        return { problem: 'not JSON' }
      }
    default:
      return readNumber(field, typed)
  }
}

function readNumber(field: Field, typed: string): { readonly value: number } | { readonly problem: string } {
  const value = Number(typed.trim() === '' ? Number.NaN : typed)
  if (!Number.isFinite(value)) return { problem: field.type === 'integer' ? 'a whole number' : 'a number' }
  if (field.type === 'integer' && !Number.isInteger(value)) return { problem: 'a whole number' }
  if (field.minimum !== undefined && value < field.minimum) return { problem: `at least ${field.minimum}` }
  if (field.maximum !== undefined && value > field.maximum) return { problem: `at most ${field.maximum}` }
  return { value }
}

const article = (field: Field): string =>
  field.type === 'integer' ? 'a whole number' : field.type === 'number' ? 'a number' : 'a value'

/** What the field is, in one line: type, default, limits. */
export function kindOf(field: Field): string {
  const kind = field.choices
    ? `one of ${field.choices.join(', ')}`
    : field.type === 'integer'
      ? 'whole number'
      : field.type
  return [
    kind,
    field.required ? 'required' : '',
    field.fallback === undefined || field.secret ? '' : `default ${show(field.fallback) || '(empty)'}`,
    field.minimum === undefined ? '' : `minimum ${field.minimum}`,
    field.maximum === undefined ? '' : `maximum ${field.maximum}`,
  ]
    .filter(Boolean)
    .join(', ')
}

/** Whether a value differs from the field's default. */
export const differs = (field: Field, value: unknown): boolean =>
  value !== undefined && JSON.stringify(value) !== JSON.stringify(field.fallback)

/** The options to send: only what differs from the defaults, so that later versions may change those. */
export function changedOptions(
  fields: readonly Field[],
  values: ReadonlyMap<string, unknown>,
): Record<string, unknown> {
  const options: Record<string, unknown> = {}
  for (const field of fields) {
    const value = values.get(field.id)
    if (!differs(field, value)) continue
    let place = options
    for (const part of field.path.slice(0, -1)) {
      if (!Object.hasOwn(place, part)) place[part] = {}
      place = place[part] as Record<string, unknown>
    }
    place[field.path.at(-1)!] = value
  }
  return options
}
