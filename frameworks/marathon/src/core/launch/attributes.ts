import type { Attribute, Offer } from '@meseta/common/protocol/mesos'
import type { Placement } from '../instance.ts'

/** A number with up to three decimals, the third rounded half to even (contract 5). */
export function scalarText(value: number): string {
  const scaled = value * 1000
  const floor = Math.floor(scaled)
  const rest = scaled - floor
  const up = Math.abs(rest - 0.5) < 1e-9 ? floor % 2 !== 0 : rest > 0.5
  return String((up ? floor + 1 : floor) / 1000)
}

/** An attribute as constraints see it: `0.###`, `[6-7,9-9]`, `{0,1}`, or the text (contract 5). */
export function attributeText(attribute: Attribute): string {
  switch (attribute.type) {
    case 'SCALAR':
      return scalarText(attribute.scalar?.value ?? 0)
    case 'RANGES':
      return `[${(attribute.ranges?.range ?? []).map(range => `${range.begin}-${range.end}`).join(',')}]`
    case 'SET':
      return `{${[...(attribute.set?.item ?? [])].sort().join(',')}}`
    default:
      return attribute.text?.value ?? ''
  }
}

/** Where an instance launched on this offer would be. */
export function placementOf(offer: Offer): Placement {
  const attributes: Record<string, string> = {}
  for (const attribute of offer.attributes ?? [])
    if (attribute.name !== '__proto__' && !Object.hasOwn(attributes, attribute.name))
      attributes[attribute.name] = attributeText(attribute)
  const domain = offer.domain?.fault_domain
  return {
    agentId: offer.agent_id.value,
    hostname: offer.hostname,
    ...(domain && { region: domain.region.name, zone: domain.zone.name }),
    attributes,
  }
}

/** The value of a constraint's field there; undefined where there is none. */
export function fieldValue(field: string, placement: Placement): string | undefined {
  switch (field) {
    case 'hostname':
    case '@hostname':
      return placement.hostname
    case '@region':
      return placement.region
    case '@zone':
      return placement.zone
    default:
      return Object.hasOwn(placement.attributes, field) ? placement.attributes[field] : undefined
  }
}
