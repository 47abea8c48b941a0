import { readFileSync } from 'node:fs'
import { parse as parseYaml } from 'yaml'
import {
  FlagError,
  type FlagSource,
  nearestFlag,
  parseFlagText,
  parseFlagValue,
  plainName,
  shownName,
  wantedText,
} from './flag-text.ts'
import type { FlagDefinition, FlagDefinitions, FlagValues } from './flags.ts'

export { FlagError } from './flag-text.ts'

export interface FlagInput {
  /** What followed the command's name. */
  readonly argv: readonly string[]
  readonly env?: Readonly<Record<string, string | undefined>>
  /** `MESETA_` unless said; of several, the first that is set counts. */
  readonly envPrefixes?: readonly string[]
  /** A YAML config file; `--config` and `<prefix>CONFIG` name another. */
  readonly file?: string
  readonly readFile?: (path: string) => string
}

/** The flag that every command has beside its own. */
const configFlag: FlagDefinition<'string'> = { type: 'string', help: 'A YAML file of flags: `name: value` lines.' }

type Values = Map<string, unknown>

/**
 * Reads flags: the command line counts before the environment, that before the config file, that before defaults.
 * On the command line `--name value`, `--name=value`, for booleans `--name` and `--no-name`; dashes and underscores are one.
 * Throws FlagError for the first unknown, ill-typed, doubled or missing one, naming it and the nearest known one.
 */
export function parseFlags<const Definitions extends FlagDefinitions>(
  definitions: Definitions,
  input: FlagInput,
): FlagValues<Definitions> {
  const known = new Known(definitions)
  const readFile = input.readFile ?? (path => readFileSync(path, 'utf8'))
  const given = fromCommandLine(known, input.argv, readFile)
  const environment = fromEnvironment(known, input, readFile)
  const file = given.get('config') ?? environment.get('config') ?? input.file
  const written: Values = typeof file === 'string' ? fromFile(known, file, readFile) : new Map()
  const values: Record<string, unknown> = {}
  for (const [name, definition] of Object.entries(definitions)) {
    const source = [given, environment, written].find(values => values.has(name))
    const value = source ? source.get(name) : definition.default
    if (value === undefined && definition.required)
      throw new FlagError(name, `${shownName(name)} is needed: ${definition.help}`)
    values[name] = value
  }
  return values as FlagValues<Definitions>
}

/** Flags by the name that people type. */
class Known {
  readonly definitions: FlagDefinitions
  readonly #names = new Map<string, string>()
  constructor(definitions: FlagDefinitions) {
    this.definitions = { config: configFlag, ...definitions }
    for (const name of Object.keys(this.definitions)) this.#names.set(plainName(name), name)
  }
  find(typed: string): { name: string; definition: FlagDefinition } | undefined {
    const name = this.#names.get(plainName(typed))
    return name === undefined ? undefined : { name, definition: this.definitions[name]! }
  }
  /** The error for a name that is no flag. */
  unknown(typed: string, where: string): FlagError {
    const nearest = nearestFlag(typed, this.definitions)
    const hint = nearest === undefined ? 'see --help for all flags' : `did you mean ${shownName(nearest)}?`
    return new FlagError(typed, `there is no flag --${typed.slice(0, 100)} (${where}); ${hint}`)
  }
}

function fromCommandLine(known: Known, argv: readonly string[], readFile: FlagSource['readFile']): Values {
  const values: Values = new Map()
  const source = { where: 'command line', readFile }
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index]!
    const match = /^--([^=]+)(?:=(.*))?$/s.exec(word)
    if (!match) throw new FlagError(word, `'${word.slice(0, 100)}' is not a flag: flags are --name=value (see --help)`)
    const [, typed, attached] = match
    const negated = attached === undefined ? known.find(typed!.replace(/^no[-_]/, '')) : undefined
    const flag = known.find(typed!) ?? (negated?.definition.type === 'boolean' ? negated : undefined)
    if (!flag) throw known.unknown(typed!, source.where)
    const { name, definition } = flag
    if (values.has(name)) throw new FlagError(name, `${shownName(name)} is given twice on the command line`)
    const next = argv[index + 1]
    if (flag === negated && known.find(typed!) === undefined) values.set(name, false)
    else if (attached !== undefined) values.set(name, parseFlagText(name, definition, attached, source))
    else if (definition.type === 'boolean' && !/^(true|false)$/.test(next ?? '')) values.set(name, true)
    else if (next === undefined || (next.startsWith('--') && known.find(next.slice(2).replace(/=.*$/s, ''))))
      throw new FlagError(name, `${shownName(name)} needs a value: ${wantedText(definition)}`)
    else {
      values.set(name, parseFlagText(name, definition, next, source))
      index += 1
    }
  }
  return values
}

/** Variables that are no flag are not ours to judge: others share the prefix. */
function fromEnvironment(known: Known, input: FlagInput, readFile: FlagSource['readFile']): Values {
  const values: Values = new Map()
  for (const [name, definition] of Object.entries(known.definitions)) {
    for (const prefix of input.envPrefixes ?? ['MESETA_']) {
      const variable = prefix + plainName(name).replaceAll('-', '_').toUpperCase()
      const text = input.env?.[variable]
      if (text === undefined || values.has(name)) continue
      values.set(name, parseFlagText(name, definition, text, { where: `environment variable ${variable}`, readFile }))
    }
  }
  return values
}

function fromFile(known: Known, path: string, readFile: FlagSource['readFile']): Values {
  let document: unknown
  try {
    document = parseYaml(readFile(path))
  } catch (error) {
    throw new FlagError('config', `--config: can not read ${path} as YAML: ${(error as Error).message}`)
  }
  const values: Values = new Map()
  if (document === null || document === undefined) return values
  if (typeof document !== 'object' || Array.isArray(document))
    throw new FlagError('config', `--config: ${path} does not hold \`name: value\` lines`)
  for (const [typed, value] of Object.entries(document)) {
    const flag = known.find(typed)
    if (!flag || flag.name === 'config') throw known.unknown(typed, path)
    if (values.has(flag.name)) throw new FlagError(flag.name, `${shownName(flag.name)} stands twice in ${path}`)
    if (value !== null)
      values.set(flag.name, parseFlagValue(flag.name, flag.definition, value, { where: path, readFile }))
  }
  return values
}

/** All flags with types, defaults and sentences, one block each, for `--help`. */
export function formatHelp(definitions: FlagDefinitions): string {
  const all: FlagDefinitions = {
    ...definitions,
    config: definitions.config ?? configFlag,
  }
  const lines = Object.entries(all).map(([name, definition]) => {
    const value =
      definition.type === 'boolean' ? `--[no-]${plainName(name)}` : `${shownName(name)}=<${definition.type}>`
    return `  ${value}${note(definition)}\n      ${definition.help}`
  })
  lines.push('  --help\n      Print this.')
  return `${lines.join('\n')}\n\nEach flag can also be an environment variable (MESETA_ and its name in capitals) or a line of the --config file.\n`
}

function note(definition: FlagDefinition): string {
  const parts: string[] = []
  if (definition.choices) parts.push(definition.choices.join(' | '))
  if (definition.required) parts.push('needed')
  if (definition.default !== undefined && !definition.secret) parts.push(`default: ${shownDefault(definition)}`)
  return parts.length === 0 ? '' : `  (${parts.join('; ')})`
}

function shownDefault(definition: FlagDefinition): string {
  const value = definition.default
  if (definition.type === 'duration')
    return shownUnit(Number(value), [
      ['days', 86_400_000],
      ['hrs', 3_600_000],
      ['mins', 60_000],
      ['secs', 1000],
      ['ms', 1],
    ])
  if (definition.type === 'bytes')
    return shownUnit(Number(value), [
      ['GB', 2 ** 30],
      ['MB', 2 ** 20],
      ['KB', 2 ** 10],
      ['B', 1],
    ])
  if (Array.isArray(value)) return value.join(',') || 'none'
  return typeof value === 'string' ? value || "''" : JSON.stringify(value)
}

/** The value in the largest unit that divides it. */
function shownUnit(value: number, units: readonly (readonly [string, number])[]): string {
  const [unit, size] = units.find(([, size]) => value !== 0 && value % size === 0) ?? units.at(-1)!
  return `${value / size}${unit}`
}
