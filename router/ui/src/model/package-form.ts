/** One option of a package that can be set. */
export interface Field {
  readonly path: readonly string[]
  /** The path as one text: the name of the field, and the key of what was typed. */
  readonly name: string
  readonly label: string
  readonly description: string
  readonly type: 'boolean' | 'string' | 'number' | 'integer' | 'choice' | 'json'
  readonly choices: readonly unknown[]
  readonly fallback: unknown
  readonly required: boolean
  readonly minimum: number | undefined
  readonly maximum: number | undefined
}

/** Fields that stand together: a top-level property of the schema. */
export interface FieldGroup {
  readonly name: string
  readonly description: string
  readonly fields: readonly Field[]
}

/** What a person typed: text as it stands, or a box's state. Only fields that were touched are here. */
export type Edits = Readonly<Record<string, string | boolean>>

export interface Problem {
  /** Of the field, as in `Field.name`. */
  readonly name: string
  readonly message: string
}

interface Schema {
  readonly type?: unknown
  readonly title?: unknown
  readonly description?: unknown
  readonly default?: unknown
  readonly enum?: unknown
  readonly minimum?: unknown
  readonly maximum?: unknown
  readonly required?: unknown
  readonly properties?: unknown
}

/** Deeper objects, and fields past the number, are left to their defaults. */
const deepest = 8
const mostFields = 1_000

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The fields of a package's config schema by section (dashboard contract 1.5). What is no object of properties has none. Pure. */
export function groupsOf(config: unknown): FieldGroup[] {
  const groups: FieldGroup[] = []
  const general: Field[] = []
  const room = { left: mostFields }
  for (const [key, schema, required] of propertiesOf(config)) {
    if (isObject(schema.properties))
      groups.push({
        name: titleOf(schema, key),
        description: textOf(schema.description),
        fields: fieldsBelow([key], schema, room),
      })
    else general.push(fieldOf([key], schema, required))
  }
  if (general.length > 0) groups.unshift({ name: 'General', description: '', fields: general })
  return groups.filter(({ fields }) => fields.length > 0)
}

function fieldsBelow(path: readonly string[], schema: Schema, room: { left: number }): Field[] {
  const fields: Field[] = []
  for (const [key, inner, required] of propertiesOf(schema)) {
    const below = [...path, key]
    if (isObject(inner.properties) && below.length < deepest) fields.push(...fieldsBelow(below, inner, room))
    else if (room.left > 0) {
      room.left -= 1
      fields.push(fieldOf(below, inner, required))
    }
  }
  return fields
}

function propertiesOf(schema: unknown): [string, Schema, boolean][] {
  if (!isObject(schema) || !isObject(schema.properties)) return []
  const required = Array.isArray(schema.required) ? schema.required : []
  return Object.entries(schema.properties)
    .filter((entry): entry is [string, Schema] => entry[0] !== '__proto__' && isObject(entry[1]))
    .map(([key, inner]) => [key, inner, required.includes(key)])
}

function fieldOf(path: readonly string[], schema: Schema, required: boolean): Field {
  const choices = Array.isArray(schema.enum) ? schema.enum : []
  return {
    path,
    name: path.join('.'),
    label:
      path.length > 2
        ? `${path.slice(1, -1).join(' › ')} › ${titleOf(schema, path.at(-1)!)}`
        : titleOf(schema, path.at(-1)!),
    description: textOf(schema.description),
    type: typeOf(schema, choices),
    choices,
    fallback: schema.default,
    required,
    minimum: typeof schema.minimum === 'number' ? schema.minimum : undefined,
    maximum: typeof schema.maximum === 'number' ? schema.maximum : undefined,
  }
}

function typeOf({ type }: Schema, choices: readonly unknown[]): Field['type'] {
  if (choices.length > 0) return 'choice'
  return type === 'boolean' || type === 'string' || type === 'number' || type === 'integer' ? type : 'json'
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
const titleOf = (schema: Schema, key: string): string => textOf(schema.title) || key

/** How a value stands in its field. */
export function shown(field: Field, edits: Edits): string | boolean {
  const edited = Object.hasOwn(edits, field.name) ? edits[field.name] : undefined
  if (edited !== undefined) return edited
  if (field.type === 'boolean') return field.fallback === true
  if (field.fallback === undefined || field.fallback === null) return ''
  if (field.type === 'json') return JSON.stringify(field.fallback)
  return String(field.fallback)
}

/** Whether the field would be sent: what equals the default is not, so that a later version may choose another. */
export function isChanged(field: Field, edits: Edits): boolean {
  const value = readValue(field, edits)
  return 'value' in value && !same(value.value, field.fallback)
}

type Value = { readonly value: unknown } | { readonly problem: string } | Record<never, never>

/** What the field says; nothing when it was not touched, or emptied where it may be. */
function readValue(field: Field, edits: Edits): Value {
  if (!Object.hasOwn(edits, field.name)) return {}
  const edited = edits[field.name]!
  if (typeof edited === 'boolean') return { value: edited }
  if (field.type === 'choice') return { value: field.choices.find(choice => String(choice) === edited) }
  if (edited.trim() === '') return field.required ? { problem: emptied(field) } : {}
  if (field.type === 'string') return { value: edited }
  if (field.type === 'json') return parsed(edited)
  return numeric(field, edited)
}

const emptied = ({ type, fallback }: Field) =>
  `a value is needed: ${type === 'json' ? 'JSON' : type}${fallback === undefined ? '' : `, by default ${JSON.stringify(fallback)}`}`

function parsed(text: string): Value {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch (error) {
    return { problem: `this is not JSON: ${(error as Error).message}` }
  }
}

function numeric({ type, minimum, maximum }: Field, text: string): Value {
  const value = Number(text)
  if (!Number.isFinite(value)) return { problem: `“${text}” is not a number` }
  if (type === 'integer' && !Number.isInteger(value)) return { problem: `${text} is not a whole number` }
  if (minimum !== undefined && value < minimum) return { problem: `at least ${minimum}` }
  if (maximum !== undefined && value > maximum) return { problem: `at most ${maximum}` }
  return { value }
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** What is sent: only what differs from the defaults. */
export function optionsOf(
  groups: readonly FieldGroup[],
  edits: Edits,
): { readonly options: Record<string, unknown>; readonly problems: readonly Problem[] } {
  const options: Record<string, unknown> = {}
  const problems: Problem[] = []
  for (const field of groups.flatMap(({ fields }) => fields)) {
    const value = readValue(field, edits)
    if ('problem' in value) problems.push({ name: field.name, message: value.problem })
    else if ('value' in value && !same(value.value, field.fallback)) place(options, field.path, value.value)
    else if (field.required && field.fallback === undefined && !('value' in value))
      problems.push({ name: field.name, message: emptied(field) })
  }
  return { options, problems }
}

function place(into: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = into
  for (const key of path.slice(0, -1)) {
    if (!Object.hasOwn(at, key)) at[key] = {}
    at = at[key] as Record<string, unknown>
  }
  at[path.at(-1)!] = value
}
