import { excerpt } from '@meseta/common/protocol/excerpt'
import { RE2JS } from 're2js'

/** What the regular expressions of frameworks may cost (`--offer_constraints_re2_*`). */
export interface PatternLimits {
  /** Bytes. */
  readonly maxMem: number
  /** Instructions. */
  readonly maxProgramSize: number
}

/** What RE2 counts for an instruction when it bounds a program by memory: four times the instruction's own eight bytes. */
const bytesAnInstruction = 32

/** Whether a text matches as a whole. */
export type Matches = (text: string) => boolean

/**
 * A regular expression of the syntax RE2, which matches in linear time; or why it is refused. A text longer than the memory it
 * may take is not even read.
 */
export function compilePattern(regex: string, { maxMem, maxProgramSize }: PatternLimits): Matches | string {
  if (regex.length > maxMem) return `the regular expression is longer than ${maxMem} bytes`
  const shown = `the regular expression '${excerpt(regex)}'`
  let pattern: RE2JS
  try {
    pattern = RE2JS.compile(regex)
  } catch (error) {
    return `${shown} is none of RE2: ${excerpt((error as Error).message)}`
  }
  const size = pattern.programSize()
  if (size * bytesAnInstruction > maxMem) return `${shown} takes more memory than ${maxMem} bytes`
  if (size > maxProgramSize) return `${shown} has a program of size ${size}, above ${maxProgramSize}`
  // Not `testExact`: its automaton keeps up to 8 MiB of states.
  return text => pattern.matches(text)
}
