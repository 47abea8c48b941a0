import { type FlagDefinitions, shownFlags } from '@meseta/common/service/flags'

const units = [
  ['weeks', 604_800_000],
  ['days', 86_400_000],
  ['hrs', 3_600_000],
  ['mins', 60_000],
  ['secs', 1_000],
  ['ms', 1],
] as const

/** Values of flags as the original writes them: text, under the names with underscores. Those not given are left out. */
export function flagTexts(definitions: FlagDefinitions, values: object): Record<string, string> {
  const texts: Record<string, string> = {}
  for (const [name, value] of Object.entries(shownFlags(definitions, values as Record<string, unknown>))) {
    const text = textOf(value, definitions[name]!.type)
    if (text !== '') texts[name] = text
  }
  return texts
}

function textOf(value: unknown, type: string): string {
  if (typeof value === 'string') return value
  if (type === 'duration') return durationText(Number(value))
  if (type === 'list') return (value as readonly string[]).join(',')
  return JSON.stringify(value)
}

/** In the largest unit that gives a whole number: `10mins`. */
function durationText(milliseconds: number): string {
  const [unit, size] = units.find(([, size]) => milliseconds >= size && milliseconds % size === 0) ?? ['ms', 1]
  return `${milliseconds / size}${unit}`
}
