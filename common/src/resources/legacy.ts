// The object form of resources and attributes in the older endpoints (Mesos contract 4.1).
import type { Attribute } from '../protocol/mesos.ts'
import type { Resources } from './resources.ts'
import { formatValue } from './text.ts'

/** By name: a number, or text for ranges (`[31000-31001, 31003-31003]`), sets (`{a, b}`) and text. */
export type LegacyValues = Record<string, number | string>

const always = ['cpus', 'gpus', 'mem', 'disk']

/** `cpus`, `gpus`, `mem` and `disk` are always there; revocable resources stand beside with the suffix `_revocable`. */
export function legacyResources(resources: Resources): LegacyValues {
  const values = empty()
  for (const name of always) values[name] = 0
  add(values, resources.nonRevocable(), '')
  add(values, resources.revocable(), '_revocable')
  return values
}

/** By role: what is reserved to it. */
export function legacyReservations(resources: Resources): Record<string, LegacyValues> {
  const values: Record<string, LegacyValues> = Object.create(null)
  for (const [role, reserved] of resources.reservations()) values[role] = legacyResources(reserved)
  return values
}

export function legacyAttributes(attributes: readonly Attribute[] | undefined): LegacyValues {
  const values = empty()
  for (const attribute of attributes ?? [])
    values[attribute.name] = attribute.scalar?.value ?? formatValue(attribute, ', ')
  return values
}

/** Names are chosen by users: without a prototype none means anything special. */
function empty(): LegacyValues {
  return Object.create(null)
}

function add(values: LegacyValues, resources: Resources, suffix: string): void {
  for (const name of resources.names()) {
    const range = resources.ranges(name)
    const item = resources.set(name)
    if (range.length > 0) values[name + suffix] = formatValue({ ranges: { range } }, ', ')
    else if (item.length > 0) values[name + suffix] = formatValue({ set: { item } }, ', ')
    else values[name + suffix] = resources.scalar(name)
  }
}
