import { directory } from './settings.ts'
import { vipZone } from './vip-records.ts'
import { Zone, type ZoneSettings } from './zone.ts'

/** Settings of the zones that DC/OS had inside (contract 2.3). */
const inner = (origin: string): ZoneSettings => ({
  origin,
  ttl: 5,
  nameserver: 'ns.spartan.',
  nameserverTtl: 3600,
  contact: 'support.mesosphere.com.',
  refresh: 60,
  retry: 180,
  expire: 86_400,
  minimum: 1,
  srvPriority: 1,
  srvWeight: 1,
})

/** All tables that the server answers from. */
export interface Zones {
  /** The mesos-dns domain. */
  readonly mesos: Zone
  readonly dcos: Zone
  readonly vips: Zone
  /** The mesos-dns records again, under `mesos.thisdcos.directory`: never filled, only its settings are used. */
  readonly mirror: Zone
  readonly zk: Zone
  readonly spartan: Zone
  readonly localhost: Zone
  /** PTR records of known addresses. What is not in it is asked outside. */
  readonly reverse: Zone
}

export function createZones(mesos: ZoneSettings): Zones {
  const zones = {
    mesos: new Zone(mesos),
    dcos: new Zone(inner(`dcos.${directory}`)),
    vips: new Zone(inner(vipZone)),
    mirror: new Zone(inner(`mesos.${directory}`)),
    zk: new Zone(inner('zk')),
    spartan: new Zone(inner('spartan')),
    localhost: new Zone(inner('localhost')),
    reverse: new Zone(mesos),
  }
  zones.localhost.replace([], [{ name: 'localhost.', type: 'A', value: '127.0.0.1' }])
  zones.spartan.replace(
    [],
    [
      { name: 'ready.spartan.', type: 'A', value: '127.0.0.1' },
      { name: 'ns.spartan.', type: 'A', value: '198.51.100.1' },
    ],
  )
  return zones
}
