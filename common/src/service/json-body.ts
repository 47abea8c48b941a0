import { HttpError } from './errors.ts'

/**
 * The JSON of a request body; `undefined` for an empty one. Throws HttpError 400 that says where the text is broken, or which
 * field is called `__proto__` (no client needs one, and copying it would change the copy's prototype).
 */
export function parseJsonBody(body: Uint8Array | string): unknown {
  const text = typeof body === 'string' ? body : decodeUtf8(body)
  if (text.trim() === '') return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new HttpError(400, `the body is not valid JSON: ${whereBroken(error, text)}`)
  }
  if (text.includes('__proto__') || text.includes('\\u005')) refusePrototype(value)
  return value
}

function decodeUtf8(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    throw new HttpError(400, 'the body is not valid JSON: it is not UTF-8 text')
  }
}

/** V8 says `… at position 12 (line 1 column 13)` or `Unexpected end`; its quotes of the body are left out. */
function whereBroken(error: unknown, text: string): string {
  const message = error instanceof Error ? error.message : String(error)
  const place = /position \d+(?: \(line \d+ column \d+\))?/.exec(message)?.[0]
  if (place !== undefined) return `unexpected text at ${place}`
  return /end/i.test(message) ? `it ends too early, after ${text.length} characters` : 'unexpected text'
}

function refusePrototype(root: unknown): void {
  const open: { value: unknown; path: string }[] = [{ value: root, path: '' }]
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (typeof at.value !== 'object' || at.value === null) continue
    for (const [key, value] of Object.entries(at.value)) {
      const path = `${at.path}/${key}`
      if (key === '__proto__') throw new HttpError(400, `the field ${path} is not allowed`, { details: [{ path }] })
      open.push({ value, path })
    }
  }
}
