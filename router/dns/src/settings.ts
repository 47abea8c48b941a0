import { isIP } from 'node:net'
import { rfc952, rfc1123 } from '@meseta/common/discovery/labels'
import { serverUrls } from '@meseta/common/discovery/server-urls'
import { isLoopback } from '@meseta/common/service/door'
import type { FlagValues } from '@meseta/common/service/flags'
import { FlagError } from '@meseta/common/service/parse-flags'
import type { dnsFlags } from './flags.ts'
import { parseUpstream, type Upstream } from './forwarder/resolv-conf.ts'
import type { IpSource, RecordSettings, UnhealthyRule } from './records/settings.ts'
import type { ZoneSettings } from './records/zone.ts'
import { encodeName } from './wire/names.ts'

export type DnsFlags = FlagValues<typeof dnsFlags>

/** What the flags say, checked. */
export interface Settings {
  readonly zone: ZoneSettings
  readonly records: RecordSettings
  readonly masters: readonly URL[]
  readonly balancer: URL | undefined
  /** `undefined`: those of the machine. */
  readonly resolvers: readonly Upstream[] | undefined
  readonly zoneResolvers: ReadonlyMap<string, readonly Upstream[]>
  readonly ednsSize: number
}

const sources: readonly string[] = ['host', 'netinfo', 'mesos', 'docker']
const domainForm = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/

/** Checks the flags. Throws FlagError naming the one that is wrong, and what would do. */
export function readSettings(flags: DnsFlags, nameserverAddresses: readonly string[]): Settings {
  // Decision 14 of the design: no password, no door. --ip is held to it by the HTTP server.
  if (flags.dns_ip !== undefined && !isLoopback(flags.dns_ip))
    throw new FlagError(
      'dns_ip',
      `--dns-ip=${flags.dns_ip}: dns has no authentication yet, and without it listens on loopback addresses only, since anyone who reached it could ask it; use --dns-ip=127.0.0.1 (or another of 127.0.0.0/8, or ::1)`,
    )
  const domain = flags.domain.toLowerCase().replace(/\.$/, '')
  if (!domainForm.test(domain) || domain.length > 200 || encodeName(domain) === undefined)
    throw new FlagError('domain', `--domain=${flags.domain}: a domain is letters, digits, dashes and dots`)
  const nameserver = soaName('soa_mname', flags.soa_mname ?? `ns1.${domain}`)
  return {
    zone: zoneSettings(flags, domain, nameserver),
    records: {
      domain,
      rule: flags.enforce_rfc952 ? rfc952 : rfc1123,
      ipSources: readSources(flags.ip_sources),
      unhealthy: flags.dns_unhealthy as UnhealthyRule,
      nameserver,
      nameserverAddresses,
    },
    masters: readMasters(flags.master),
    balancer: flags.balancer === undefined ? undefined : serverUrls('balancer', flags.balancer)[0],
    resolvers: flags.resolvers === undefined ? undefined : readServers('resolvers', flags.resolvers),
    zoneResolvers: readZones(flags.zone_resolvers, domain),
    ednsSize: atLeast('edns_size', flags.edns_size, 512, 4096),
  }
}

function zoneSettings(flags: DnsFlags, domain: string, nameserver: string): ZoneSettings {
  const ttl = seconds('ttl', flags.ttl)
  return {
    origin: domain,
    ttl,
    nameserver,
    nameserverTtl: ttl,
    contact: soaName('soa_rname', (flags.soa_rname ?? `root.ns1.${domain}`).replace('@', '.')),
    refresh: seconds('soa_refresh', flags.soa_refresh),
    retry: seconds('soa_retry', flags.soa_retry),
    expire: seconds('soa_expire', flags.soa_expire),
    // The answered MINIMUM is the TTL (contract 1.1).
    minimum: ttl,
    srvPriority: 0,
    srvWeight: atLeast('srv_weight', flags.srv_weight, 0, 65_535),
  }
}

/** A name of the SOA in lower case, with final dot: one without a wire form would leave every SOA out. */
function soaName(flag: string, name: string): string {
  if (encodeName(name) !== undefined) return (name.endsWith('.') ? name : `${name}.`).toLowerCase()
  throw new FlagError(flag, `--${flag.replaceAll('_', '-')}=${name}: a name of labels of at most 63 characters`)
}

/** RFC 2181: a TTL is below 2^31, and so are the SOA's times. */
const seconds = (flag: string, value: number): number => atLeast(flag, value, 0, 2 ** 31 - 1)

function atLeast(flag: string, value: number, low: number, high: number): number {
  if (Number.isInteger(value) && value >= low && value <= high) return value
  throw new FlagError(flag, `--${flag.replaceAll('_', '-')}=${value}: a whole number from ${low} to ${high}`)
}

function readMasters(master: string | undefined): readonly URL[] {
  if (master !== undefined) return serverUrls('master', master)
  throw new FlagError('master', '--master is needed: URLs of the masters, http://host:port, separated by commas')
}

function readSources(names: readonly string[]): readonly IpSource[] {
  const wrong = names.find((name, index) => !sources.includes(name) || names.indexOf(name) !== index)
  if (wrong === undefined && names.length > 0) return names as readonly IpSource[]
  throw new FlagError('ip_sources', `--ip-sources: '${wrong ?? ''}': name some of ${sources.join(', ')}, each once`)
}

function readServers(flag: string, texts: readonly string[]): readonly Upstream[] {
  const servers = texts.map(text => {
    const server = parseUpstream(text)
    if (server !== undefined) return server
    throw new FlagError(flag, `--${flag.replaceAll('_', '-')}: '${text.slice(0, 100)}' is neither ip nor ip:port`)
  })
  const places = servers.map(({ address, port }) => `${address} ${port}`)
  const twice = texts.find((_, index) => places.indexOf(places[index]!) !== index)
  if (twice !== undefined) throw new FlagError(flag, `--${flag.replaceAll('_', '-')}: '${twice}' is there twice`)
  return servers
}

const contains = (outer: string, inner: string): boolean => inner === outer || inner.endsWith(`.${outer}`)

function readZones(value: unknown, domain: string): ReadonlyMap<string, readonly Upstream[]> {
  const fail = (reason: string): never => {
    throw new FlagError('zone_resolvers', `--zone-resolvers: ${reason}`)
  }
  if (value === undefined) return new Map()
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail('an object of zone: [servers]')
  const zones = new Map<string, readonly Upstream[]>()
  for (const [name, servers] of Object.entries(value)) {
    const zone = name.toLowerCase().replace(/\.$/, '')
    if (!domainForm.test(zone)) fail(`'${name.slice(0, 100)}' is no domain`)
    const rival = [domain, ...[...zones.keys()].map(other => other.slice(0, -1))].find(
      other => contains(other, zone) || contains(zone, other),
    )
    if (rival !== undefined) fail(`'${zone}' and '${rival}' overlap`)
    if (!Array.isArray(servers) || servers.length === 0 || !servers.every(server => typeof server === 'string'))
      fail(`'${zone}' needs a list of servers`)
    zones.set(`${zone}.`, readServers('zone_resolvers', servers as string[]))
  }
  return zones
}

/** Addresses under which a server on this one is reached: itself, or every non-loopback one of the machine. */
export function ownAddresses(listener: string, machine: readonly string[]): readonly string[] {
  const isAny = listener === '0.0.0.0' || listener === '::'
  return isAny || isIP(listener) === 0 ? machine : [listener]
}
