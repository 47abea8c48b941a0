import type { Change } from '../../state/changes.ts'

// Batches of changes as text: JSON, which V8 writes and reads several times as fast as it clones objects. Unset fields are left out, as they
// are of no meaning in any change. JSON has no numbers that are not finite: a batch with one is marked, and names them.

const mark = '!'
const notFinite = /^number (?:-?Infinity|NaN)$/

export function changesToText(changes: readonly Change[]): string {
  const text = JSON.stringify(changes)
  // No change has null for a value, so a null was such a number; in a text of somebody's it costs only time.
  if (!text.includes('null')) return text
  const replaced = JSON.stringify(changes, (_, value) =>
    typeof value === 'number' && !Number.isFinite(value) ? `number ${value}` : value,
  )
  return replaced === text ? text : mark + replaced
}

export function changesFromText(text: string): readonly Change[] {
  if (!text.startsWith(mark)) return JSON.parse(text) as Change[]
  return JSON.parse(text.slice(mark.length), (_, value) =>
    typeof value === 'string' && notFinite.test(value) ? Number(value.slice('number '.length)) : value,
  ) as Change[]
}
