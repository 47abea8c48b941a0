import { differs, type Field, read, show } from './fields.ts'

/** An error of an option: its path in the options, and what is wrong. */
export interface OptionError {
  readonly path: string
  readonly message: string
}

/** The options of a package while they are reviewed. */
export interface Form {
  readonly fields: readonly Field[]
  /** What was set, by field; the rest has its default. */
  readonly values: ReadonlyMap<string, unknown>
  readonly errors: ReadonlyMap<string, string>
  /** The field that keys act on. */
  readonly at: string | undefined
  /** The text being typed into it. */
  readonly editing?: string | undefined
  /** Only what is required, changed or wrong is listed. */
  readonly short: boolean
  readonly find: string
  readonly finding: boolean
}

export const newForm = (fields: readonly Field[]): Form => ({
  fields,
  values: new Map(),
  errors: new Map(),
  at: fields[0]?.id,
  short: false,
  find: '',
  finding: false,
})

export const valueIn = (form: Form, field: Field): unknown =>
  form.values.has(field.id) ? form.values.get(field.id) : field.fallback

export const isChanged = (form: Form, field: Field): boolean => differs(field, form.values.get(field.id))

/** Whether a required option has neither value nor default. */
export const isMissing = (form: Form, field: Field): boolean => field.required && valueIn(form, field) === undefined

/** The fields that are listed. */
export function listed(form: Form): readonly Field[] {
  const wanted = form.find.toLowerCase()
  return form.fields.filter(
    field =>
      (wanted === '' || `${field.id} ${field.label} ${field.description}`.toLowerCase().includes(wanted)) &&
      (!form.short || field.required || isChanged(form, field) || form.errors.has(field.id)),
  )
}

export interface Section {
  readonly name: string
  readonly fields: readonly Field[]
  readonly changed: number
  /** Errors, and required options without a value. */
  readonly wrong: number
}

export function sections(form: Form): readonly Section[] {
  const byName = Map.groupBy(listed(form), field => field.section)
  return [...byName].map(([name, fields]) => ({
    name,
    fields,
    changed: fields.filter(field => isChanged(form, field)).length,
    wrong: fields.filter(field => form.errors.has(field.id) || isMissing(form, field)).length,
  }))
}

/** The field under the cursor; the first that is listed where that one is not. */
export function current(form: Form): Field | undefined {
  const fields = listed(form)
  return fields.find(({ id }) => id === form.at) ?? fields[0]
}

export function moved(form: Form, by: number): Form {
  const fields = listed(form)
  const index = fields.findIndex(({ id }) => id === current(form)?.id)
  const next = fields[Math.max(0, Math.min(fields.length - 1, index + by))]
  return { ...form, at: next?.id }
}

export function movedSection(form: Form, by: 1 | -1): Form {
  const all = sections(form)
  const index = all.findIndex(({ name }) => name === current(form)?.section)
  const next = all[(index + by + all.length) % all.length]
  return { ...form, at: next?.fields[0]?.id ?? form.at }
}

/** Takes what was typed into the field, or keeps it with what is wrong about it. */
export function entered(form: Form, field: Field, typed: string): Form {
  const result = read(field, typed)
  const errors = new Map(form.errors)
  if ('problem' in result) return { ...form, errors: errors.set(field.id, result.problem) }
  errors.delete(field.id)
  const values = new Map(form.values)
  if (result.value === undefined) values.delete(field.id)
  else values.set(field.id, result.value)
  return { ...form, values, errors, editing: undefined }
}

export function reset(form: Form, field: Field): Form {
  const values = new Map(form.values)
  const errors = new Map(form.errors)
  values.delete(field.id)
  errors.delete(field.id)
  return { ...form, values, errors }
}

/** The next of the values that can be chosen. Nothing for a field that is typed. */
export function toggled(form: Form, field: Field): Form {
  const choices = field.choices ?? (field.type === 'boolean' ? ['true', 'false'] : [])
  if (choices.length === 0) return form
  const next = choices[(choices.indexOf(show(valueIn(form, field))) + 1) % choices.length]!
  return entered(form, field, next)
}

/** Marks required options without a value, and leads to the first; `undefined` when none is. */
export function incomplete(form: Form): Form | undefined {
  // What the catalog refused before is for it to judge again: another option may have mended it.
  const errors = new Map<string, string>()
  for (const field of form.fields) if (isMissing(form, field)) errors.set(field.id, 'a value is needed')
  const first = form.fields.find(({ id }) => errors.has(id))
  return first && { ...form, errors, at: first.id, short: false, find: '' }
}

/** Puts the catalog's errors to their fields, and answers those that belong to none. */
export function refused(form: Form, errors: readonly OptionError[]): { form: Form; rest: readonly OptionError[] } {
  const byField = new Map<string, string>()
  const rest: OptionError[] = []
  for (const error of errors) {
    const id = error.path.replace(/^\//, '').split('/').map(unescaped).join('.')
    if (form.fields.some(field => field.id === id)) byField.set(id, error.message)
    else rest.push(error)
  }
  const first = form.fields.find(({ id }) => byField.has(id))
  return { form: { ...form, errors: byField, ...(first ? { at: first.id, short: false, find: '' } : {}) }, rest }
}

const unescaped = (token: string): string => token.replaceAll('~1', '/').replaceAll('~0', '~')
