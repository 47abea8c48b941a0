/** File systems end a name at 255 bytes, and ids become names of folders. */
const MAX_ID_BYTES = 255
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const control = /[\u0000-\u001f\u007f]/

/**
 * Why an id given by a user (of a task, executor, framework, agent or persistent volume) is refused, as a phrase that
 * follows the field's path; undefined when it is fine. Mesos contract 1.8.
 */
export function checkId(value: unknown): string | undefined {
  if (typeof value !== 'string') return 'must be text'
  if (value === '') return 'must not be empty'
  if (value.length > MAX_ID_BYTES || Buffer.byteLength(value) > MAX_ID_BYTES)
    return `must not be longer than ${MAX_ID_BYTES} bytes`
  if (value === '.' || value === '..') return `must not be '${value}'`
  if (value.includes('/')) return "must not contain '/'"
  if (value.includes('\\')) return "must not contain '\\'"
  if (control.test(value)) return 'must not contain control characters'
  if (!value.isWellFormed()) return 'must not contain half of a surrogate pair'
  return undefined
}

/** Whether a text is the base64 of 16 bytes, as a uuid is on the wires. */
export const isUuid = (text: string): boolean => /^[A-Za-z0-9+/]{21}[AQgw]==$/.test(text)
