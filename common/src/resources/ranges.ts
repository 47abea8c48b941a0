// Ranges of whole numbers, both ends inclusive, as one flat list [begin, end, begin, end, …]: ascending, and with at least
// one number missing between neighbours (Mesos contract 6.1: coalesced over overlap and adjacency).
import type { ValueRange } from '../protocol/mesos.ts'

export type Ranges = readonly number[]

export function fromRanges(list: readonly ValueRange[]): Ranges {
  if (list.length === 1) {
    const { begin, end } = list[0] as ValueRange
    return begin <= end ? [begin, end] : []
  }
  const flat: number[] = []
  const sorted = list.filter(({ begin, end }) => begin <= end).sort((a, b) => a.begin - b.begin)
  for (const { begin, end } of sorted) append(flat, begin, end)
  return flat
}

export function toRanges(ranges: Ranges): ValueRange[] {
  const list: ValueRange[] = []
  for (let at = 0; at < ranges.length; at += 2)
    list.push({ begin: ranges[at] as number, end: ranges[at + 1] as number })
  return list
}

/** Adds a range that begins no earlier than those before it. */
function append(flat: number[], begin: number, end: number): void {
  const last = flat.length - 1
  if (last > 0 && begin <= (flat[last] as number) + 1) {
    if (end > (flat[last] as number)) flat[last] = end
  } else flat.push(begin, end)
}

export function union(a: Ranges, b: Ranges): Ranges {
  const flat: number[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    const fromA = j >= b.length || (i < a.length && (a[i] as number) <= (b[j] as number))
    const source = fromA ? a : b
    const at = fromA ? i : j
    append(flat, source[at] as number, source[at + 1] as number)
    if (fromA) i += 2
    else j += 2
  }
  return flat
}

/** What is in `a` and not in `b`. */
export function difference(a: Ranges, b: Ranges): Ranges {
  const flat: number[] = []
  let j = 0
  for (let i = 0; i < a.length; i += 2) {
    let begin = a[i] as number
    const end = a[i + 1] as number
    while (j < b.length && (b[j + 1] as number) < begin) j += 2
    for (let k = j; k < b.length && (b[k] as number) <= end && begin <= end; k += 2) {
      if ((b[k] as number) > begin) flat.push(begin, (b[k] as number) - 1)
      begin = (b[k + 1] as number) + 1
    }
    if (begin <= end) flat.push(begin, end)
  }
  return flat
}

/** Is all of `b` in `a`? */
export function covers(a: Ranges, b: Ranges): boolean {
  let i = 0
  for (let j = 0; j < b.length; j += 2) {
    while (i < a.length && (a[i + 1] as number) < (b[j] as number)) i += 2
    if (i >= a.length || (a[i] as number) > (b[j] as number) || (a[i + 1] as number) < (b[j + 1] as number))
      return false
  }
  return true
}
