/**
 * One flag. `duration` is milliseconds in memory and `75secs`, `10mins`, `250ms` in text; `bytes` is a number and `64MB` in text;
 * `list` is an array and comma-separated in text; `json` is parsed JSON, or the JSON in the file named by `@file`, `file://` or its
 * absolute path.
 */
export interface FlagDefinition<Type extends FlagType = FlagType> {
  readonly type: Type
  /** One sentence for `--help`. */
  readonly help: string
  readonly default?: FlagTypes[Type] | undefined
  /** No default and not optional: the process does not start without it. */
  readonly required?: boolean
  /** Its value is never printed (logs, `/flags`). */
  readonly secret?: boolean
  readonly choices?: readonly string[]
}

export interface FlagTypes {
  string: string
  number: number
  boolean: boolean
  duration: number
  bytes: number
  list: readonly string[]
  json: unknown
}

export type FlagType = keyof FlagTypes

export type FlagDefinitions = Readonly<Record<string, FlagDefinition>>

type Given<Definition> = Definition extends { readonly default: infer Default }
  ? undefined extends Default
    ? false
    : true
  : Definition extends { readonly required: true }
    ? true
    : false

/** The values of a set of flags: `undefined` where a flag has no default and was not given. */
export type FlagValues<Definitions extends FlagDefinitions> = {
  readonly [Name in keyof Definitions]: Given<Definitions[Name]> extends true
    ? FlagTypes[Definitions[Name]['type']]
    : FlagTypes[Definitions[Name]['type']] | undefined
}

/** Keeps the exact types of flag definitions. */
export function defineFlags<const Definitions extends FlagDefinitions>(definitions: Definitions): Definitions {
  return definitions
}

/** Flag values fit to be seen: secret ones, and user and password in a URL, are `[hidden]`; those not given are left out. */
export function shownFlags(
  definitions: FlagDefinitions,
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const shown: Record<string, unknown> = {}
  for (const [name, definition] of Object.entries(definitions)) {
    if (values[name] !== undefined) shown[name] = definition.secret ? '[hidden]' : withoutPassword(values[name])
  }
  return shown
}

const withoutPassword = (value: unknown): unknown =>
  typeof value === 'string' ? value.replaceAll(/\/\/[^/@\s]*@/g, '//[hidden]@') : value
