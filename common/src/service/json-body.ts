import { isUtf8 } from 'node:buffer'
import { HttpError } from './errors.ts'

/** Deeper nesting is refused: what walks a body may recurse. No contract's message comes near it. */
const maxDepth = 200

/**
 * The JSON of a request body; `undefined` for an empty one. Throws HttpError 400 that says where the text is broken, or which
 * field is called `__proto__` (no client needs one, and copying it would change the copy's prototype).
 */
export function parseJsonBody(body: Uint8Array | string): unknown {
  const text = typeof body === 'string' ? body : decodeUtf8(body)
  if (text.trim() === '') return undefined
  if (depthOf(text) > maxDepth) throw new HttpError(400, `the body nests deeper than ${maxDepth} levels`)
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
  if (!isUtf8(body)) throw new HttpError(400, 'the body is not valid JSON: it is not UTF-8 text')
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8')
  return text.startsWith('\ufeff') ? text.slice(1) : text
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

/** The deepest nesting of brackets outside strings; of text that is no JSON, some number. */
function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === 0x22) index = endOfString(text, index)
    else if (code === 0x7b || code === 0x5b) {
      depth += 1
      if (depth > deepest) deepest = depth
    } else if (code === 0x7d || code === 0x5d) depth -= 1
  }
  return deepest
}

/** The index of the quote that ends the string which begins at `start`. */
function endOfString(text: string, start: number): number {
  let end = start + 1
  while (end < text.length && text.charCodeAt(end) !== 0x22) end += text.charCodeAt(end) === 0x5c ? 2 : 1
  return end
}
