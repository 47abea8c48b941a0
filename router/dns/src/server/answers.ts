import type { RecordSet, RecordType } from '../records/zone.ts'
import { rcodes, types } from '../wire/constants.ts'
import { emptySections, type Sections } from '../wire/message.ts'
import { RecordEncoder } from '../wire/records.ts'
import type { Route } from './routes.ts'

/** An encoded answer and the record sets that it was made from, each with the version it then had. */
export interface Answer {
  readonly sections: Sections
  /** Only what stays true while the sources do not change is kept for the next query. */
  readonly keepable: boolean
  readonly sources: readonly { readonly set: RecordSet; readonly version: number }[]
}

const recordTypes: ReadonlyMap<number, RecordType> = new Map([
  [types.A, 'A'],
  [types.AAAA, 'AAAA'],
  [types.SRV, 'SRV'],
  [types.PTR, 'PTR'],
])

/**
 * Answers a question in one of the zones (contract 1.5). `asked` is the name as asked, lower-cased. When `owner` is given, answers
 * carry it in full instead of pointing to the question.
 */
export function answer(route: Route, asked: string, type: number, owner?: string): Answer {
  const set = route.zone.get(route.name)
  const recordType = recordTypes.get(type)
  if (type === types.SOA || type === types.NS) return authorityOnly(route, asked, type)
  if (set !== undefined && type === types.ANY) return everything(route, asked, set)
  if (set === undefined || recordType === undefined || !set.has(recordType)) return absent(route, asked, set)
  const encoder = new RecordEncoder(owner === undefined ? asked : '')
  encode(encoder, route, owner ?? asked, recordType, set)
  const additional = recordType === 'SRV' ? targets(route, asked, set) : undefined
  return {
    keepable: additional?.complete ?? true,
    sources: [{ set, version: set.version }, ...(additional?.sources ?? [])],
    sections: {
      ...emptySections,
      authoritative: true,
      answers: encoder.bytes(),
      offsets: encoder.offsets,
      additional: additional?.encoder.bytes() ?? emptySections.additional,
      additionalCount: additional?.encoder.count ?? 0,
    },
  }
}

/** Target and port of an SRV value. */
export function splitTarget(value: string): { target: string; port: number } {
  const colon = value.lastIndexOf(':')
  return { target: value.slice(0, colon), port: Number(value.slice(colon + 1)) }
}

function encode(encoder: RecordEncoder, route: Route, owner: string, type: RecordType, set: RecordSet): void {
  const { settings } = route
  for (const value of set.values(type)) {
    if (type === 'SRV') {
      const { target, port } = splitTarget(value)
      encoder.srv(owner, route.visible(target), port, settings.ttl, settings)
    } else if (type === 'PTR') encoder.pointer(owner, value, settings.ttl)
    else encoder.address(owner, value, settings.ttl)
  }
}

/** One A and one AAAA for each target of the SRV records. */
function targets(route: Route, asked: string, set: RecordSet) {
  const encoder = new RecordEncoder(asked)
  const sources: { set: RecordSet; version: number }[] = []
  let complete = true
  for (const name of new Set(set.values('SRV').map(value => splitTarget(value).target))) {
    const target = route.zone.get(name)
    if (target === undefined) {
      complete = false
      continue
    }
    sources.push({ set: target, version: target.version })
    for (const type of ['A', 'AAAA'] as const) {
      const [first] = target.values(type)
      if (first !== undefined) encoder.address(route.visible(name), first, route.settings.ttl)
    }
  }
  return { encoder, sources, complete }
}

function absent(route: Route, asked: string, set: RecordSet | undefined): Answer {
  const exists = set !== undefined || asked === route.origin
  const encoder = new RecordEncoder(asked)
  encoder.soa(asked, route.settings, route.zone.serial)
  const sections = {
    ...emptySections,
    rcode: exists ? rcodes.NOERROR : rcodes.NXDOMAIN,
    authoritative: true,
    authority: encoder.bytes(),
    authorityCount: encoder.count,
  }
  return { sections, keepable: false, sources: [] }
}

/** SOA and NS stand in AUTHORITY for any name, and for the zone itself in ANSWER too. */
function authorityOnly(route: Route, asked: string, type: number): Answer {
  const encoder = new RecordEncoder(asked)
  if (type === types.SOA) encoder.soa(asked, route.settings, route.zone.serial)
  else encoder.nameserver(asked, route.settings)
  const bytes = encoder.bytes()
  const atOrigin = asked === route.origin
  const sections = {
    ...emptySections,
    authoritative: true,
    answers: atOrigin ? bytes : emptySections.answers,
    offsets: atOrigin ? encoder.offsets : emptySections.offsets,
    authority: bytes,
    authorityCount: encoder.count,
  }
  return { sections, keepable: false, sources: [] }
}

function everything(route: Route, asked: string, set: RecordSet): Answer {
  const encoder = new RecordEncoder(asked)
  for (const type of ['SRV', 'A', 'AAAA', 'PTR'] as const) encode(encoder, route, asked, type, set)
  const authority = new RecordEncoder(asked)
  authority.soa(asked, route.settings, route.zone.serial)
  authority.nameserver(asked, route.settings)
  const sections = {
    ...emptySections,
    authoritative: true,
    answers: encoder.bytes(),
    offsets: encoder.offsets,
    authority: authority.bytes(),
    authorityCount: authority.count,
  }
  return { sections, keepable: false, sources: [] }
}
