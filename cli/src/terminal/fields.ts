/** One option of a package, as its schema describes it (dashboard contract, 1.5). */
export interface Field {
  /** Keys from the top: `['service', 'name']`. */
  readonly path: readonly string[]
  readonly type: 'string' | 'number' | 'integer' | 'boolean' | 'json'
  readonly choices?: readonly string[]
  readonly description: string
  readonly required: boolean
  readonly fallback: unknown
  readonly minimum?: number
  readonly maximum?: number
}

type Schema = Readonly<Record<string, unknown>>

/** Properties below this depth are edited as JSON. */
const deepest = 6

/** All options of a schema, in its order. */
export function fieldsOf(schema: unknown, path: readonly string[] = [], required = false): Field[] {
  if (typeof schema !== 'object' || schema === null) return []
  const { type, properties, required: names, description, enum: choices } = schema as Schema
  if (properties && typeof properties === 'object' && path.length < deepest) {
    const needed = Array.isArray(names) ? names : []
    return Object.entries(properties).flatMap(([name, child]) =>
      fieldsOf(child, [...path, name], needed.includes(name)),
    )
  }
  if (path.length === 0) return []
  const known = type === 'boolean' || type === 'number' || type === 'integer' || type === 'string' ? type : 'json'
  const { minimum, maximum } = schema as Schema
  return [
    {
      path,
      type: known,
      ...(Array.isArray(choices) && choices.every(choice => typeof choice === 'string')
        ? { choices: choices as string[] }
        : {}),
      description: typeof description === 'string' ? description.replace(/\s+/g, ' ') : '',
      required,
      fallback: (schema as Schema).default,
      ...(typeof minimum === 'number' ? { minimum } : {}),
      ...(typeof maximum === 'number' ? { maximum } : {}),
    },
  ]
}

export const show = (value: unknown): string =>
  value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value)

/** What somebody typed as a value of the field, or why it is none. */
export function read(field: Field, typed: string): { value: unknown } | { problem: string } {
  if (typed === '' && field.type !== 'string')
    return field.required ? { problem: 'a value is needed' } : { value: undefined }
  if (field.choices && !field.choices.includes(typed)) return { problem: `one of ${field.choices.join(', ')}` }
  switch (field.type) {
    case 'string':
      return field.required && typed === '' ? { problem: 'a value is needed' } : { value: typed }
    case 'boolean':
      return typed === 'true' || typed === 'false' ? { value: typed === 'true' } : { problem: 'true or false' }
    case 'json':
      try {
        return { value: JSON.parse(typed) }
      } catch {
        return { problem: 'JSON is needed' }
      }
    default: {
      const value = Number(typed)
      if (!Number.isFinite(value) || (field.type === 'integer' && !Number.isInteger(value)))
        return { problem: field.type === 'integer' ? 'a whole number' : 'a number' }
      if (field.minimum !== undefined && value < field.minimum) return { problem: `at least ${field.minimum}` }
      if (field.maximum !== undefined && value > field.maximum) return { problem: `at most ${field.maximum}` }
      return { value }
    }
  }
}

/** The options to send: only what differs from the defaults, so that later versions may change those. */
export function changedOptions(
  fields: readonly Field[],
  values: ReadonlyMap<string, unknown>,
): Record<string, unknown> {
  const options: Record<string, unknown> = {}
  for (const field of fields) {
    const key = field.path.join('.')
    if (!values.has(key) || JSON.stringify(values.get(key)) === JSON.stringify(field.fallback)) continue
    let place = options
    for (const part of field.path.slice(0, -1)) {
      place[part] ??= {}
      place = place[part] as Record<string, unknown>
    }
    place[field.path.at(-1)!] = values.get(key)
  }
  return options
}
