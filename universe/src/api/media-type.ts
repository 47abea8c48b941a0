/** A media type with its parameters, names in lower case. */
export interface MediaType {
  /** `type/subtype+suffix`, lower case. */
  readonly name: string
  readonly parameters: ReadonlyMap<string, string>
  /** As it is written in a header. */
  readonly text: string
}

/** More than this in one Accept header is nobody's honest wish. */
const maxTypes = 50

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const namePattern = new RegExp(`^${token}/${token}$`)
const parameterPattern = new RegExp(`^(${token})=("?)([^"]*)\\2$`)

/** Undefined for text that is no media type. */
export function parseMediaType(text: string): MediaType | undefined {
  const [name = '', ...rest] = text.split(';').map(part => part.trim())
  if (!namePattern.test(name)) return undefined
  const parameters = new Map<string, string>()
  for (const part of rest) {
    const found = parameterPattern.exec(part)
    if (!found) return undefined
    parameters.set(found[1]!.toLowerCase(), found[3]!)
  }
  return { name: name.toLowerCase(), parameters, text }
}

/** For types that are written in the code. */
export function mediaType(text: string): MediaType {
  const parsed = parseMediaType(text)
  if (parsed === undefined) throw new TypeError(`'${text}' is no media type`)
  return parsed
}

/** Ours is what the client means: the same name, and each of our parameters there and equal (catalog contract 4). */
export function isCompatible(ours: MediaType, theirs: MediaType): boolean {
  if (ours.name !== theirs.name) return false
  return [...ours.parameters].every(([key, value]) => theirs.parameters.get(key)?.toLowerCase() === value.toLowerCase())
}

/** The types of an Accept header; undefined when one of them is no media type. */
export function parseAccept(text: string): MediaType[] | undefined {
  const types = text.split(',').map(part => parseMediaType(part.trim()))
  if (types.length > maxTypes || types.some(type => type === undefined)) return undefined
  return types as MediaType[]
}

/**
 * Which of the offered types, newest first, the client wants most: the highest q wins, the newest among equals, and q=0 excludes.
 * Undefined when it wants none.
 */
export function negotiate(accepted: readonly MediaType[], offered: readonly MediaType[]): MediaType | undefined {
  let best: { type: MediaType; quality: number } | undefined
  for (const type of offered) {
    const qualities = accepted.filter(wanted => isCompatible(type, wanted)).map(qualityOf)
    if (qualities.length === 0 || qualities.includes(0)) continue
    const quality = Math.max(...qualities)
    if (best === undefined || quality > best.quality) best = { type, quality }
  }
  return best?.type
}

function qualityOf(type: MediaType): number {
  const given = type.parameters.get('q')
  if (given === undefined) return 1
  const quality = Number(given)
  return quality >= 0 && quality <= 1 ? quality : 0
}
