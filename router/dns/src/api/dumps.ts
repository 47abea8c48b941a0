import type { RecordGenerator } from '../records/generator.ts'
import type { RecordType, Zone } from '../records/zone.ts'

interface EnumeratedTask {
  readonly name: string
  readonly id: string
  readonly records: { name: string; host: string; rtype: RecordType }[]
}

/** `/v1/enumerate`: each record under the first task that made it. */
export function enumerate(generator: RecordGenerator): { frameworks: { name: string; tasks: EnumeratedTask[] }[] } {
  const frameworks = new Map<string, EnumeratedTask[]>()
  const seen = new Set<string>()
  for (const task of generator.published()) {
    const records = task.records.flatMap(({ name, value, type }) => {
      const record = `${type} ${name} ${value}`
      if (seen.has(record)) return []
      seen.add(record)
      return { name, host: value, rtype: type }
    })
    const tasks = frameworks.get(task.framework) ?? []
    frameworks.set(task.framework, tasks)
    tasks.push({ name: task.name, id: task.id, records })
  }
  return { frameworks: [...frameworks].map(([name, tasks]) => ({ name, tasks })) }
}

/** `/v1/axfr`: all records of the domain by type and name. */
export function axfr(zone: Zone) {
  const { ttl, nameserver, contact, origin } = zone.settings
  const records = { As: new Map<string, readonly string[]>(), AAAAs: new Map(), SRVs: new Map() }
  for (const [name, set] of zone.names()) {
    if (set.has('A')) records.As.set(name, set.values('A'))
    if (set.has('AAAA')) records.AAAAs.set(name, set.values('AAAA'))
    if (set.has('SRV')) records.SRVs.set(name, set.values('SRV'))
  }
  return {
    TTL: ttl,
    Serial: zone.serial,
    RefreshSeconds: refreshSeconds,
    Mname: nameserver,
    Rname: contact,
    Domain: origin,
    Records: {
      As: Object.fromEntries(records.As),
      AAAAs: Object.fromEntries(records.AAAAs),
      SRVs: Object.fromEntries(records.SRVs),
    },
  }
}

/** What mesos-dns shows as its poll period. Nothing is polled here: names change with the event. */
export const refreshSeconds = 60
