import type { DnsFlags, Settings } from '../settings.ts'
import { refreshSeconds } from './dumps.ts'

const upstreamText = ({ address, port }: { address: string; port: number }): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`

/** `/v1/config`: the keys of mesos-dns's configuration in its spelling (contract 1.6). Secrets are never shown. */
export function shownConfig(flags: DnsFlags, settings: Settings, serial: number) {
  const { zone, records } = settings
  const zones = [...settings.zoneResolvers].map(([name, servers]) => [name.slice(0, -1), servers.map(upstreamText)])
  return {
    RefreshSeconds: refreshSeconds,
    StateTimeoutSeconds: 300,
    ZkDetectionTimeout: 0,
    Zk: '',
    Masters: settings.masters.map(url => url.host),
    TTL: zone.ttl,
    Domain: zone.origin,
    Port: flags.dns_port,
    Listener: flags.dns_ip ?? flags.ip,
    HttpPort: flags.port,
    HTTPListener: flags.ip,
    DnsOn: true,
    HttpOn: true,
    ExternalOn: flags.external,
    Resolvers: (settings.resolvers ?? []).map(upstreamText),
    ZoneResolvers: Object.fromEntries(zones),
    Timeout: flags.resolver_timeout / 1000,
    SOAMname: zone.nameserver,
    SOARname: zone.contact,
    SOASerial: serial,
    SOARefresh: zone.refresh,
    SOARetry: zone.retry,
    SOAExpire: zone.expire,
    SOAMinttl: zone.minimum,
    RecurseOn: flags.recursion,
    IPSources: records.ipSources,
    EnforceRFC952: flags.enforce_rfc952,
    SetTruncateBit: flags.truncate_bit,
    SRVRecordDefaultWeight: zone.srvWeight,
    EnumerationOn: flags.enumeration,
    MesosHTTPSOn: false,
    CACertFile: '',
    CertFile: '',
    KeyFile: '',
    MesosAuthentication: '',
    MesosCredentials: { Principal: '', Secret: '' },
    File: flags.mesos_dns_config ?? '',
  }
}
