import { readFileSync } from 'node:fs'
import { Failure } from '../output/failure.ts'
import { note } from '../output/print.ts'

/** Largest text read from a file or from standard input, bytes. */
const largest = 64 * 1024 * 1024

const nameOf = (source: string | undefined): string =>
  source === undefined || source === '-' ? 'standard input' : source

/** Text of a file, or of standard input for `-` and for nothing; at most 64 MiB. */
export async function readText(source: string | undefined): Promise<string> {
  const where = nameOf(source)
  try {
    return where === 'standard input' ? await readInput() : readFileSync(where, 'utf8')
  } catch (error) {
    if (error instanceof Failure) throw error
    throw new Failure(`can't read from resource: ${where}. Please check that it exists`, { exit: 'notFound' })
  }
}

async function readInput(): Promise<string> {
  if (process.stdin.isTTY) note('reading JSON from the keyboard; Ctrl-D ends it')
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of process.stdin) {
    size += (chunk as Buffer).length
    if (size > largest) throw new Failure(`standard input has more than ${largest / 2 ** 20} MiB`)
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** The object in a JSON file, or on standard input for `-` and for nothing. `parse` may keep what `JSON.parse` loses. */
export async function readObject(
  source: string | undefined,
  parse: (text: string) => unknown = JSON.parse,
): Promise<Record<string, unknown>> {
  const text = await readText(source)
  const hint = `it was read from ${nameOf(source)}`
  let value: unknown
  try {
    value = parse(text)
  } catch (error) {
    throw new Failure(`error loading JSON: ${error instanceof Error ? error.message : error}`, { hint })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new Failure('error loading JSON: an object is wanted, {…}', { hint })
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
