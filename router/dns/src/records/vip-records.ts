import { isIP } from 'node:net'
import { asBody, asText, bodies, field } from '@meseta/common/discovery/reading'
import { reverseName } from './reverse.ts'
import { directory } from './settings.ts'
import { addressRecord } from './task-records.ts'
import type { ZoneRecord } from './zone.ts'

/** The zone of virtual IPs' names. */
export const vipZone = `l4lb.${directory}`

/** Records of a virtual IP of the balancer's feed: only while it has backends, and only when it has a name in the zone. */
export function vipRecords(value: unknown): { forward: ZoneRecord[]; reverse: ZoneRecord[] } {
  const body = asBody(value)
  const name = (asText(field(body, 'name')) ?? '').toLowerCase()
  const address = asText(field(body, 'address')) ?? ''
  const usable = name.endsWith(`.${vipZone}`) && isIP(address) !== 0 && bodies(field(body, 'backends')).length > 0
  if (!usable) return { forward: [], reverse: [] }
  return {
    forward: [addressRecord(`${name}.`, address)],
    reverse: [{ name: reverseName(address), type: 'PTR', value: `${name}.` }],
  }
}
