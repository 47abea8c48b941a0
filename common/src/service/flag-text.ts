import type { FlagDefinition, FlagDefinitions, FlagTypes } from './flags.ts'

/** A flag that can not be read, with its name, what is wrong and what would be right. */
export class FlagError extends Error {
  readonly flag: string
  constructor(flag: string, message: string) {
    super(message)
    this.name = 'FlagError'
    this.flag = flag
  }
}

/** A name as it is compared: `work-dir`, `work_dir` and `WORK_DIR` are one flag. */
export const plainName = (name: string): string => name.toLowerCase().replaceAll('_', '-')

/** A name as people read and type it. */
export const shownName = (name: string): string => `--${plainName(name)}`

const milliseconds: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  ms: 1,
  s: 1000,
  sec: 1000,
  secs: 1000,
  m: 60_000,
  min: 60_000,
  mins: 60_000,
  h: 3_600_000,
  hr: 3_600_000,
  hrs: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  days: 86_400_000,
  w: 604_800_000,
  week: 604_800_000,
  weeks: 604_800_000,
}

const byteUnits: Readonly<Record<string, number>> = { '': 1, b: 1, kb: 2 ** 10, mb: 2 ** 20, gb: 2 ** 30, tb: 2 ** 40 }

/** `75secs`, `10mins`, `1.5h`, `250ms` as milliseconds; `undefined` when it is none. A unit is needed, except for 0. */
export function parseDuration(text: string): number | undefined {
  if (/^0+$/.test(text)) return 0
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/i.exec(text)
  const unit = match && milliseconds[match[2]!.toLowerCase()]
  return unit ? Number(match[1]) * unit : undefined
}

/** `64MB`, `512KB`, `1.5GB` (powers of 1024) or a plain number of bytes; `undefined` when it is none. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text)
  const unit = match && byteUnits[match[2]!.toLowerCase()]
  return unit ? Math.round(Number(match[1]) * unit) : undefined
}

const wanted: Readonly<Record<keyof FlagTypes, string>> = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  duration: 'a duration such as 75secs, 10mins or 250ms',
  bytes: 'a size such as 64MB, 512KB or a number of bytes',
  list: 'a comma-separated list',
  json: 'JSON, or @<file> or the absolute path of a file that holds it',
}

/** What a person writes for this type, for `--help` and messages. */
export const wantedText = (definition: FlagDefinition): string =>
  definition.choices ? `one of ${definition.choices.join(', ')}` : wanted[definition.type]

/** Where a value stood and what files it may name. */
export interface FlagSource {
  /** `command line`, `environment variable MESETA_PORT`, `/etc/meseta.yaml`. */
  readonly where: string
  readonly readFile: (path: string) => string
}

/** The value that a text stands for. Throws FlagError that names flag, place and what would be right; a secret is not repeated. */
export function parseFlagText(name: string, definition: FlagDefinition, text: string, source: FlagSource): unknown {
  const value = convert(name, definition, text, source)
  const shown = definition.secret ? 'its value' : `'${text.slice(0, 100)}'`
  if (value === undefined)
    throw new FlagError(name, `${shownName(name)} (${source.where}): ${shown} is not ${wantedText(definition)}`)
  checkChoices(name, definition, value, source.where)
  return value
}

function convert(name: string, definition: FlagDefinition, text: string, source: FlagSource): unknown {
  switch (definition.type) {
    case 'string':
      return text
    case 'number':
      return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined
    case 'boolean':
      return { true: true, '1': true, yes: true, false: false, '0': false, no: false }[text.toLowerCase()]
    case 'duration':
      return parseDuration(text.trim())
    case 'bytes':
      return parseBytes(text.trim())
    case 'list':
      return text === '' ? [] : text.split(',').map(item => item.trim())
    case 'json':
      return parseJsonText(name, text, source)
  }
}

function parseJsonText(name: string, text: string, source: FlagSource): unknown {
  // No JSON begins with a slash.
  const file = /^(?:(?:@|file:\/\/)(.+)|(\/.*))$/s.exec(text)?.slice(1).find(Boolean)
  let json = text
  if (file !== undefined) {
    try {
      json = source.readFile(file)
    } catch (error) {
      throw new FlagError(
        name,
        `${shownName(name)} (${source.where}): can not read ${file}: ${(error as Error).message}`,
      )
    }
  }
  try {
    return JSON.parse(json)
  } catch {
    if (file === undefined) return undefined
    throw new FlagError(name, `${shownName(name)} (${source.where}): the file ${file} does not hold valid JSON`)
  }
}

function checkChoices(name: string, definition: FlagDefinition, value: unknown, where: string): void {
  const { choices } = definition
  if (!choices) return
  for (const item of Array.isArray(value) ? value : [value]) {
    if (!choices.includes(String(item)))
      throw new FlagError(name, `${shownName(name)} (${where}): '${item}' is not ${wantedText(definition)}`)
  }
}

/** The value of a YAML config file: of its own type already, or text as on the command line. */
export function parseFlagValue(name: string, definition: FlagDefinition, value: unknown, source: FlagSource): unknown {
  if (definition.type === 'json')
    return typeof value === 'string' ? parseFlagText(name, definition, value, source) : value
  if (definition.type === 'list' && Array.isArray(value) && value.every(item => typeof item !== 'object')) {
    const list = value.map(String)
    checkChoices(name, definition, list, source.where)
    return list
  }
  if (definition.type === 'boolean' && typeof value === 'boolean') return value
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return parseFlagText(name, definition, String(value), source)
  throw new FlagError(
    name,
    `${shownName(name)} (${source.where}): a ${Array.isArray(value) ? 'list' : 'mapping'} is not ${wantedText(definition)}`,
  )
}

/** The known flag that a mistyped name most likely means. */
export function nearestFlag(name: string, definitions: FlagDefinitions): string | undefined {
  const target = plainName(name)
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(target.length / 2)) + 1
  for (const known of Object.keys(definitions)) {
    const distance = editDistance(target, plainName(known))
    if (distance < bestDistance) {
      best = known
      bestDistance = distance
    }
  }
  return best
}

/** Levenshtein's distance between two short words; long ones are compared by their first 64 characters. */
function editDistance(from: string, to: string): number {
  const a = from.slice(0, 64)
  const b = to.slice(0, 64)
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const change = previous[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1)
      current.push(Math.min(change, previous[column]! + 1, current[column - 1]! + 1))
    }
    previous = current
  }
  return previous[b.length]!
}
