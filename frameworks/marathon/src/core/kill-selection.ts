import type { Condition, Instance } from './instance.ts'
import { fieldValue } from './launch/attributes.ts'
import type { Service } from './model.ts'
import { constraintsOf, killSelectionOf } from './service.ts'

/** First those that serve least (contract 11, Scale). */
const conditionOrder: readonly Condition[] = [
  'Scheduled',
  'Provisioned',
  'Unreachable',
  'Staging',
  'Starting',
  'Running',
]

const rankOf = (condition: Condition): number => {
  const rank = conditionOrder.indexOf(condition)
  return rank === -1 ? conditionOrder.length : rank
}

const ageOf = (instance: Instance): number => instance.startedAt ?? instance.stagedAt ?? instance.since

/** Which instances to end, `count` of them, so that the rest serve best and stay spread. */
export function selectVictims(
  service: Service,
  candidates: readonly Instance[],
  count: number,
  serves: (instance: Instance) => boolean,
): Instance[] {
  const youngest = killSelectionOf(service) === 'YOUNGEST_FIRST'
  const sorted = [...candidates].sort(
    (a, b) =>
      rankOf(a.condition) - rankOf(b.condition) ||
      Number(serves(a)) - Number(serves(b)) ||
      (youngest ? ageOf(b) - ageOf(a) : ageOf(a) - ageOf(b)) ||
      (a.id < b.id ? -1 : 1),
  )
  const fields = constraintsOf(service)
    .filter(one => one[1] === 'GROUP_BY')
    .map(one => one[0] as string)
  return fields.length === 0 ? sorted.slice(0, count) : balanced(sorted, count, fields[0] as string)
}

/** Always from the group that has most; within it in the order given. */
function balanced(sorted: readonly Instance[], count: number, field: string): Instance[] {
  const groups = new Map<string, Instance[]>()
  const victims: Instance[] = []
  for (const instance of sorted) {
    const value = instance.placement && fieldValue(field, instance.placement)
    if (value === undefined) {
      if (victims.length < count) victims.push(instance)
      continue
    }
    const group = groups.get(value)
    if (group === undefined) groups.set(value, [instance])
    else group.push(instance)
  }
  while (victims.length < count) {
    const largest = [...groups.values()].reduce((a, b) => (b.length > a.length ? b : a), [] as Instance[])
    const victim = largest.shift()
    if (victim === undefined) break
    victims.push(victim)
  }
  return victims
}
