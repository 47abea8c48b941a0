import type { Problems } from './errors.ts'

/** Reads one value at a path; answers undefined, with a problem noted, when it has another shape. */
export type Read<T> = (value: unknown, path: string, problems: Problems) => T | undefined

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const text: Read<string> = (value, path, problems) => {
  if (typeof value === 'string') return value
  problems.add(path, 'error.expected.jsstring')
  return undefined
}

export const number: Read<number> = (value, path, problems) => {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  problems.add(path, 'error.expected.jsnumber')
  return undefined
}

const whole =
  (fits: (value: number) => boolean, error: string): Read<number> =>
  (value, path, problems) => {
    if (typeof value === 'number' && fits(value)) return value
    problems.add(path, typeof value === 'number' ? error : 'error.expected.jsnumber')
    return undefined
  }

/** What the contract's definitions call an integer has 32 bits. */
export const integer = whole(value => (value | 0) === value, 'error.expected.int')

export const long = whole(Number.isSafeInteger, 'error.expected.long')

export const flag: Read<boolean> = (value, path, problems) => {
  if (typeof value === 'boolean') return value
  problems.add(path, 'error.expected.jsboolean')
  return undefined
}

/** One of a set of words, whatever their case (as Marathon reads them); the answer has the case of the set. */
export const choice =
  <const Words extends readonly string[]>(words: Words): Read<Words[number]> =>
  (value, path, problems) => {
    const given = text(value, path, problems)
    if (given === undefined) return undefined
    const found = words.find(word => word.toLowerCase() === given.toLowerCase())
    if (found === undefined) problems.add(path, `error.unknown.enum.literal: one of ${words.join(', ')}`)
    return found
  }

export const list =
  <T>(item: Read<T>, most = 10_000): Read<T[]> =>
  (value, path, problems) => {
    if (!Array.isArray(value)) {
      problems.add(path, 'error.expected.jsarray')
      return undefined
    }
    if (value.length > most) {
      problems.add(path, `error.maxItems: at most ${most}`)
      return undefined
    }
    const read: T[] = []
    value.forEach((one, index) => {
      const got = item(one, `${path}(${index})`, problems)
      if (got !== undefined) read.push(got)
    })
    return read
  }

/** An object whose keys are the user's own, such as labels. */
export const dictionary =
  <T>(item: Read<T>): Read<Record<string, T>> =>
  (value, path, problems) => {
    if (!isObject(value)) {
      problems.add(path, 'error.expected.jsobject')
      return undefined
    }
    const read: Record<string, T> = {}
    for (const [key, one] of Object.entries(value)) {
      if (key === '__proto__') problems.add(`${path}/${key}`, 'error.key.forbidden')
      else {
        const got = item(one, `${path}/${key}`, problems)
        if (got !== undefined) read[key] = got
      }
    }
    return read
  }

/** The named fields of an object. A member that is null counts as absent; members nobody asks for are ignored. */
export class Fields {
  readonly #source: Record<string, unknown>
  readonly path: string
  readonly problems: Problems

  constructor(source: Record<string, unknown>, path: string, problems: Problems) {
    this.#source = source
    this.path = path
    this.problems = problems
  }

  raw(name: string): unknown {
    if (!Object.hasOwn(this.#source, name)) return undefined
    return this.#source[name] ?? undefined
  }

  has(name: string): boolean {
    return this.raw(name) !== undefined
  }

  at(name: string): string {
    return `${this.path}/${name}`
  }

  read<T>(name: string, as: Read<T>): T | undefined {
    const value = this.raw(name)
    return value === undefined ? undefined : as(value, this.at(name), this.problems)
  }

  /** A field that must be there. */
  need<T>(name: string, as: Read<T>): T | undefined {
    if (!this.has(name)) {
      this.problems.add(this.at(name), 'error.path.missing')
      return undefined
    }
    return this.read(name, as)
  }
}

/** An object read by its fields. */
export const object =
  <T>(build: (fields: Fields) => T | undefined): Read<T> =>
  (value, path, problems) => {
    if (!isObject(value)) {
      problems.add(path, 'error.expected.jsobject')
      return undefined
    }
    return build(new Fields(value, path, problems))
  }

/** A copy without the members that are undefined. */
export function defined<T extends object>(value: T): T {
  const copy = {} as T
  for (const key of Object.keys(value) as (keyof T)[]) if (value[key] !== undefined) copy[key] = value[key]
  return copy
}
