import type { Placement } from '../instance.ts'
import { fieldValue, scalarText } from './attributes.ts'

/** Where the instances of a service already are, and how many there are to be. */
export interface PlacedContext {
  readonly placed: readonly Placement[]
  readonly instances: number
  /** Distinct values of a field among the agents known, for GROUP_BY without a number. */
  distinct(field: string): number
}

/** Why a constraint refused a place: the constraint and the value found there. */
export interface ConstraintRefusal {
  readonly constraint: readonly string[]
  readonly value: string | undefined
}

/** The first constraint that refuses the place; undefined when all hold (contract 5). */
export function refusingConstraint(
  constraints: readonly (readonly string[])[],
  place: Placement,
  context: PlacedContext,
): ConstraintRefusal | undefined {
  for (const constraint of constraints) {
    const value = fieldValue(constraint[0] as string, place)
    if (!holds(constraint, value, context)) return { constraint, value }
  }
  return undefined
}

function holds(constraint: readonly string[], value: string | undefined, context: PlacedContext): boolean {
  const [field, operator, wanted] = constraint as [string, string, string | undefined]
  if (value === undefined) return operator === 'UNLIKE'
  const others = (): (string | undefined)[] => context.placed.map(one => fieldValue(field, one))
  switch (operator) {
    case 'UNIQUE':
      return !others().includes(value)
    case 'CLUSTER': {
      if (wanted !== undefined) return value === wanted
      const first = others()[0]
      return context.placed.length === 0 || first === value
    }
    case 'GROUP_BY':
      return inGroup(
        value,
        others(),
        wanted === undefined ? context.distinct(field) : Number(wanted),
        context.instances,
      )
    case 'MAX_PER':
      return others().filter(other => other === value).length < Number(wanted)
    case 'LIKE':
      return matches(wanted, value)
    case 'UNLIKE':
      return !matches(wanted, value)
    case 'IS':
      return value === wanted || sameScalar(value, wanted)
    default:
      return false
  }
}

function inGroup(value: string, others: readonly (string | undefined)[], groups: number, instances: number): boolean {
  const counts = new Map<string, number>()
  for (const other of others) if (other !== undefined) counts.set(other, (counts.get(other) ?? 0) + 1)
  const count = counts.get(value)
  const wanted = Math.max(1, groups)
  if (count === undefined) return counts.size < wanted
  const floor = Math.floor(instances / wanted)
  if (count < floor) return true
  let over = 0
  for (const one of counts.values()) over += Math.max(0, one - floor)
  return count === floor && over < instances % wanted
}

function matches(pattern: string | undefined, value: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`).test(value)
  } catch {
    return false
  }
}

function sameScalar(value: string, wanted: string | undefined): boolean {
  if (wanted === undefined || !/^-?\d+(\.\d+)?$/.test(wanted) || !/^-?\d+(\.\d+)?$/.test(value)) return false
  return scalarText(Number(wanted)) === scalarText(Number(value))
}
