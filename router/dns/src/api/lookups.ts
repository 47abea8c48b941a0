import type { RecordType } from '../records/zone.ts'
import type { Zones } from '../records/zones.ts'
import { splitTarget } from '../server/answers.ts'
import { type Route, Routes } from '../server/routes.ts'

/** Look-ups of the HTTP API (contract 1.6): names with or without final dot, any case, `.*` removed. */
export class Lookups {
  readonly #routes: Routes

  constructor(zones: Zones) {
    this.#routes = new Routes(zones)
  }

  /** A name as its zone knows it: aliases of a zone lead to one name. */
  knownName(name: string): string {
    return this.#routes.find(name)?.name ?? name
  }

  /** A name in lower case, with final dot. */
  fullName(text: string): string {
    const name = text.toLowerCase().replaceAll('.*', '')
    return name.endsWith('.') ? name : `${name}.`
  }

  hosts(text: string): { host: string; ip: string }[] {
    const name = this.fullName(text)
    const found = this.#addresses(name).map(ip => ({ host: name, ip }))
    return found.length > 0 ? found : [{ host: '', ip: '' }]
  }

  services(text: string): { service: string; host: string; ip: string; port: string }[] {
    const route = this.#routes.find(this.fullName(text))
    const found = valuesOf(route, 'SRV').flatMap(value => {
      const { target, port } = splitTarget(value)
      const host = route?.visible(target) ?? target
      const firsts = (['A', 'AAAA'] as const).flatMap(type => route?.zone.get(target)?.values(type)[0] ?? [])
      return firsts.map(ip => ({ service: text, host, ip, port: String(port) }))
    })
    return found.length > 0 ? found : [{ service: '', host: '', ip: '', port: '' }]
  }

  /** All records of a name, as `/v1/watch` shows them. */
  records(name: string): { name: string; records: { rtype: RecordType; host: string }[] } {
    const route = this.#routes.find(name)
    const records = (['A', 'AAAA', 'SRV', 'PTR'] as const).flatMap(rtype =>
      valuesOf(route, rtype).map(host => ({ rtype, host })),
    )
    return { name, records }
  }

  #addresses(name: string): readonly string[] {
    const route = this.#routes.find(name)
    return [...valuesOf(route, 'A'), ...valuesOf(route, 'AAAA')]
  }
}

const valuesOf = (route: Route | undefined, type: RecordType): readonly string[] =>
  route?.zone.get(route.name)?.values(type) ?? []
