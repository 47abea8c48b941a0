import mustache, { type Token } from 'mustache'
import { runBounded, TookTooLong } from './guard.ts'
import { isExactNumber, isObject, type Json, type JsonObject } from './json.ts'
import { numberText } from './numbers.ts'

/** A template that can not be read, or that grows beyond the bounds below. */
export class TemplateProblem extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'TemplateProblem'
  }
}

export const maxTemplateLength = 512 * 1024
/** Nested sections over lists multiply: this bounds the tags visited, and the text written, by one rendering. */
const maxSteps = 500_000
const maxOutputLength = 4 * 1024 * 1024
/** What those bounds leave to a hostile template, the parser's own searches among it, may take this long. */
const maxMilliseconds = 2_000

/** A value and whether it is an element of a list: strings there carry their quotes. */
interface Value {
  readonly json: Json | undefined
  readonly element: boolean
}
/** The lambda `asJson`, a reserved name of the outermost frame. */
const asJson = Symbol('asJson')
type Found = Value | typeof asJson

const nothing: Value = { json: undefined, element: false }

/**
 * Fills a package's mustache template with options (catalog contract 3, "Value conversion before templating" and "Tags").
 * mustache's own parser reads it; its renderer is not used, because Cosmos's rules for values, truth and names differ.
 * Throws `TemplateProblem`.
 */
export function fillTemplate(template: string, options: JsonObject): string {
  if (template.length > maxTemplateLength) {
    throw new TemplateProblem(`the template is longer than ${maxTemplateLength} characters`)
  }
  try {
    return runBounded(maxMilliseconds, () => new Filling(template, options).run(parse(template)))
  } catch (error) {
    throw error instanceof TookTooLong ? new TemplateProblem(`the template ${error.message}`) : error
  }
}

function parse(template: string): Token[] {
  const writer = new mustache.Writer()
  writer.templateCache = undefined
  try {
    return writer.parse(template)
  } catch (error) {
    throw new TemplateProblem((error as Error).message)
  }
}

class Filling {
  readonly #template: string
  readonly #options: JsonObject
  /** Outermost first. */
  readonly #frames: Value[]
  #steps = 0
  #length = 0
  readonly #output: string[] = []

  constructor(template: string, options: JsonObject) {
    this.#template = template
    this.#options = options
    this.#frames = [{ json: options, element: false }]
  }

  run(tokens: readonly Token[]): string {
    this.#walk(tokens)
    return this.#output.join('')
  }

  #walk(tokens: readonly Token[]): void {
    for (const token of tokens) {
      this.#steps += 1
      if (this.#steps > maxSteps) throw new TemplateProblem(`the template needs more than ${maxSteps} steps`)
      this.#token(token)
    }
  }

  #token(token: Token): void {
    const [kind, text] = token
    if (kind === 'text') this.#write(text)
    else if (kind === 'name' || kind === '&') this.#write(shown(this.#find(text)))
    else if (kind === '#') this.#section(token)
    else if (kind === '^') {
      if (!isTruthy(this.#find(text))) this.#walk(token[4] ?? [])
    } else if (kind === '>') throw new TemplateProblem(`partials are not supported ({{>${text}}})`)
  }

  #write(text: string): void {
    this.#length += text.length
    if (this.#length > maxOutputLength)
      throw new TemplateProblem(`the result is longer than ${maxOutputLength} characters`)
    this.#output.push(text)
  }

  #section(token: Token): void {
    const found = this.#find(token[1])
    const inner = token[4] ?? []
    if (found === asJson) this.#write(this.#rawOption(this.#template.slice(token[3], token[5])))
    else if (!isTruthy(found)) return
    else if (Array.isArray(found.json))
      for (const item of found.json) this.#within({ json: item, element: true }, inner)
    // A true switches its section on and is no frame: `{{.}}` in it is still the value around it.
    else if (found.json === true) this.#walk(inner)
    else this.#within(found, inner)
  }

  #within(frame: Value, tokens: readonly Token[]): void {
    this.#frames.push(frame)
    this.#walk(tokens)
    this.#frames.pop()
  }

  /** `{{#asJson}}name{{/asJson}}`: the named top-level option's text, unquoted, when it is a string; else null. */
  #rawOption(name: string): string {
    const value = Object.hasOwn(this.#options, name) ? this.#options[name] : undefined
    return typeof value === 'string' ? value : 'null'
  }

  /** Innermost frame first; a dotted name resolves entirely in one frame, or the next outer one is tried. */
  #find(name: string): Found {
    if (name === '.') return this.#frames.at(-1) ?? nothing
    const path = name.split('.')
    for (let depth = this.#frames.length - 1; depth >= 0; depth -= 1) {
      if (depth === 0 && name === 'asJson') return asJson
      const found = resolve(this.#frames[depth]!, path)
      if (found) return found
    }
    return nothing
  }
}

function resolve(frame: Value, path: readonly string[]): Value | undefined {
  let json = frame.json
  for (const key of path) {
    const next = step(json, key)
    if (next === undefined) return undefined
    json = next
  }
  return { json, element: false }
}

/** A member of an object; `isEmpty` of lists and strings, `size` of lists, `length` of strings. */
function step(json: Json | undefined, key: string): Json | undefined {
  if (typeof json === 'string') {
    // The length is that of the escaped text, as everything about a string in a template.
    if (key === 'isEmpty') return json === ''
    return key === 'length' ? escaped(json).length : undefined
  }
  if (Array.isArray(json)) {
    if (key === 'isEmpty') return json.length === 0
    return key === 'size' ? json.length : undefined
  }
  return isObject(json) && Object.hasOwn(json, key) ? json[key] : undefined
}

/** Missing, null, false, the empty text and the empty list are false; any number, 0 too, is true. */
function isTruthy(found: Found): boolean {
  if (found === asJson) return true
  const { json, element } = found
  if (json === undefined || json === null || json === false) return false
  if (json === '') return element
  return !(Array.isArray(json) && json.length === 0)
}

function shown(found: Found): string {
  if (found === asJson) return ''
  const { json, element } = found
  if (json === undefined || json === null) return ''
  if (typeof json === 'string') return element ? JSON.stringify(json) : escaped(json)
  if (typeof json === 'number' || isExactNumber(json)) return numberText(json)
  if (typeof json === 'boolean') return String(json)
  if (Array.isArray(json)) return `[${json.map(inList).join(', ')}]`
  return `{${Object.entries(json as JsonObject)
    .map(([key, value]) => `${key}=${value === null ? 'null' : shown({ json: value, element: false })}`)
    .join(', ')}}`
}

const inList = (item: Json): string => (item === null ? 'null' : shown({ json: item, element: true }))

/** A string's JSON text without the quotes around it. */
const escaped = (text: string): string => JSON.stringify(text).slice(1, -1)
