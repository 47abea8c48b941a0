import { directory } from '../records/settings.ts'
import { vipZone } from '../records/vip-records.ts'
import type { Zone, ZoneSettings } from '../records/zone.ts'
import type { Zones } from '../records/zones.ts'

/** Where a name is answered from. */
export interface Route {
  readonly zone: Zone
  readonly settings: ZoneSettings
  /** The name as the zone knows it. */
  readonly name: string
  /** The name of the zone's own origin as it was asked, with final dot. */
  readonly origin: string
  /** A name of the zone as the client should see it. */
  visible(name: string): string
}

interface Suffix {
  /** As asked, with final dot. */
  readonly asked: string
  /** As the zone knows it. */
  readonly known: string
  readonly zone: Zone
  readonly settings: ZoneSettings
}

/** `name` with one ending in place of another; unchanged when it has another ending. */
function swapSuffix(name: string, from: string, to: string): string {
  if (name === from) return to
  return name.endsWith(`.${from}`) ? name.slice(0, -from.length) + to : name
}

/** Which zone answers a name (contract 2.2): the first suffix that fits. Reverse names only when they are known. */
export class Routes {
  readonly #suffixes: readonly Suffix[]
  readonly #reverse: Zone

  constructor(zones: Zones) {
    this.#reverse = zones.reverse
    const of = (asked: string, zone: Zone, known = asked, settings = zone.settings): Suffix => ({
      asked: `${asked}.`,
      known: `${known}.`,
      zone,
      settings,
    })
    const { mesos, dcos, vips, mirror, zk, spartan, localhost } = zones
    const domain = mesos.settings.origin
    const inDirectory = (root: string): Suffix[] => [
      of(`dclb.${root}`, vips, vipZone),
      of(`l4lb.${root}`, vips, vipZone),
      of(`dcos.${root}`, dcos, `dcos.${directory}`),
      of(`mesos.${root}`, mesos, domain, mirror.settings),
      of(root, mirror, `mesos.${directory}`),
    ]
    this.#suffixes = [
      ...inDirectory(directory),
      ...inDirectory('thisdcos.global'),
      of(domain, mesos),
      of('localhost', localhost),
      of('zk', zk),
      of('spartan', spartan),
    ]
  }

  /** `name`: lower-cased, with final dot. `undefined`: it is asked outside. */
  find(name: string): Route | undefined {
    for (const { asked, known, zone, settings } of this.#suffixes) {
      if (name !== asked && !name.endsWith(`.${asked}`)) continue
      const visible = (target: string) => (asked === known ? target : swapSuffix(target, known, asked))
      return { zone, settings, name: swapSuffix(name, asked, known), origin: asked, visible }
    }
    if (!name.endsWith('.arpa.') || this.#reverse.get(name) === undefined) return undefined
    return { zone: this.#reverse, settings: this.#reverse.settings, name, origin: '', visible: same }
  }
}

const same = (name: string): string => name
