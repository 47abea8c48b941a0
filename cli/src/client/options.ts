import { readFileSync } from 'node:fs'
import { Failure } from '../output/failure.ts'

const nameOf = (source: string | undefined): string =>
  source === undefined || source === '-' ? 'standard input' : source

/** Text of a file, or of standard input for `-` and for nothing. */
export function readText(source: string | undefined): string {
  const where = nameOf(source)
  try {
    return readFileSync(where === 'standard input' ? 0 : where, 'utf8')
  } catch {
    throw new Failure(`can't read from resource: ${where}. Please check that it exists`, { exit: 'notFound' })
  }
}

/** JSON of a file, or of standard input for `-` and for nothing. */
export function readJson(source: string | undefined): unknown {
  const where = nameOf(source)
  const text = readText(source)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Failure(`error loading JSON: ${error instanceof Error ? error.message : error}`, {
      hint: `it was read from ${where}`,
    })
  }
}

/**
 * `a.b=1` words as an object. A value that is JSON is taken as that, all others as text.
 * A path that goes through a value that is no object is refused.
 */
export function assignments(words: readonly string[], onto: Record<string, unknown> = {}): Record<string, unknown> {
  for (const word of words) {
    const equals = word.indexOf('=')
    const path = equals > 0 ? word.slice(0, equals).split('.') : []
    if (path.length === 0 || path.some(part => part === '' || part === '__proto__')) {
      throw new Failure(`"${word}" is no assignment`, { exit: 'usage', hint: 'write key=value, or group.key=value' })
    }
    let place = onto
    for (const part of path.slice(0, -1)) {
      const next = Object.hasOwn(place, part) ? place[part] : undefined
      if (next === undefined) place[part] = {}
      else if (typeof next !== 'object' || next === null || Array.isArray(next)) {
        throw new Failure(`"${word}": ${part} is no group of options`, { exit: 'usage' })
      }
      place = place[part] as Record<string, unknown>
    }
    place[path.at(-1)!] = parsed(word.slice(equals + 1))
  }
  return onto
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
