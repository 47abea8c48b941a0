// How much of a kind there is: thousandths of a scalar, a number of whole pieces, ranges, or items.
import type { Resource } from '../protocol/mesos.ts'
import type { Kind } from './kind.ts'
import * as ranges from './ranges.ts'
import { fromThousandths, toThousandths } from './scalar.ts'
import * as sets from './sets.ts'

export type Amount = number | ranges.Ranges | sets.Items

/** What a resource of that kind holds; what is malformed or negative is nothing. */
export function amountOf(kind: Kind, { scalar, ranges: listed, set }: Resource): Amount {
  switch (kind.type) {
    case 'SCALAR': {
      if (kind.piece !== undefined) return kind.piece > 0 ? 1 : 0
      const thousandths = toThousandths(scalar?.value ?? 0)
      return thousandths > 0 && Number.isFinite(thousandths) ? thousandths : 0
    }
    case 'RANGES':
      return ranges.fromRanges(listed?.range ?? [])
    case 'SET':
      return sets.fromItems(set?.item ?? [])
    default:
      return 0
  }
}

export function isNothing(amount: Amount): boolean {
  return typeof amount === 'number' ? amount <= 0 : amount.length === 0
}

export function add(kind: Kind, a: Amount, b: Amount): Amount {
  if (typeof a === 'number') return a + (b as number)
  if (kind.type === 'RANGES') return ranges.union(a as ranges.Ranges, b as ranges.Ranges)
  return sets.union(a as sets.Items, b as sets.Items)
}

/** What is left of `a`; where `b` is more, that is nothing (see `isNothing`). */
export function subtract(kind: Kind, a: Amount, b: Amount): Amount {
  if (typeof a === 'number') return a - (b as number)
  if (kind.type === 'RANGES') return ranges.difference(a as ranges.Ranges, b as ranges.Ranges)
  return sets.difference(a as sets.Items, b as sets.Items)
}

/** What is in both. */
export function common(kind: Kind, a: Amount, b: Amount): Amount {
  if (typeof a === 'number') return Math.min(a, b as number)
  return subtract(kind, a, subtract(kind, a, b))
}

export function covers(kind: Kind, a: Amount, b: Amount): boolean {
  if (typeof a === 'number') return a >= (b as number)
  if (kind.type === 'RANGES') return ranges.covers(a as ranges.Ranges, b as ranges.Ranges)
  return sets.covers(a as sets.Items, b as sets.Items)
}

/** The protocol's form: one resource, or one for each whole piece. */
export function toWire(kind: Kind, amount: Amount): Resource[] {
  const { template, piece } = kind
  if (piece !== undefined) {
    const one = { ...template, scalar: { value: fromThousandths(piece) } }
    return Array.from({ length: amount as number }, () => one)
  }
  if (typeof amount === 'number') return [{ ...template, scalar: { value: fromThousandths(amount) } }]
  if (kind.type === 'RANGES') return [{ ...template, ranges: { range: ranges.toRanges(amount as ranges.Ranges) } }]
  return [{ ...template, set: { item: [...(amount as sets.Items)] } }]
}

/** The thousandths that count towards totals: a shared volume counts once, however many hold it. */
export function thousandthsOf(kind: Kind, amount: Amount): number {
  if (typeof amount !== 'number') return 0
  if (kind.piece === undefined) return amount
  return kind.template.shared === undefined ? kind.piece * amount : kind.piece
}
