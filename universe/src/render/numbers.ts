import type { ExactNumber } from './json.ts'

/** Exponents beyond this are written as they came: a few bytes must not become a megabyte of zeroes. */
const maxDigits = 4096

/**
 * A number as a template shows it (catalog contract 3): whole values as plain digits of any size (`1.0` is `1`), others as the
 * shortest text of the double.
 */
export function numberText(value: number | ExactNumber): string {
  const text = typeof value === 'number' ? String(value) : value.rawJSON
  return wholeDigits(text) ?? (typeof value === 'number' ? text : shortest(text))
}

function shortest(text: string): string {
  const value = Number(text)
  return Number.isFinite(value) ? String(value) : text
}

/** The digits of a whole number written in any way JSON allows, or undefined when it has a fraction or is too long. */
function wholeDigits(text: string): string | undefined {
  const parts = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)
  if (!parts) return undefined
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = parts
  const shift = Number(exponent)
  const digits = whole + fraction
  if (/^0*$/.test(digits)) return '0'
  const point = whole.length + shift
  if (Math.abs(shift) > maxDigits || digits.length > maxDigits || point < 0) return undefined
  const padded = digits.padEnd(point, '0')
  if (!/^0*$/.test(padded.slice(point))) return undefined
  const result = padded.slice(0, point).replace(/^0+/, '')
  return result === '' ? '0' : sign + result
}
