import { Failure } from '../output/failure.ts'

/** Timers hold 31 bits of milliseconds; what is longer would end at once. */
const longest = 2_000_000

/** The milliseconds of an option in seconds: above 0, and at most 23 days. */
export function milliseconds(text: string, option = '--timeout'): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (value > 0 && value <= longest) return value * 1000
  throw new Failure(`${option} takes seconds above 0 and up to ${longest}, not "${text}"`, { exit: 'usage' })
}

/** A whole number in decimal digits, `from` to `to`; `option` names it in the error. */
export function whole(text: string, option: string, from: number, to = Number.MAX_SAFE_INTEGER): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (value >= from && value <= to) return value
  const range = to === Number.MAX_SAFE_INTEGER ? `from ${from}` : `from ${from} to ${to}`
  throw new Failure(`${option} takes a whole number ${range}, not "${text}"`, { exit: 'usage' })
}
