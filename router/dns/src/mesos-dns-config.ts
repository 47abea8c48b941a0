import { asBody } from '@meseta/common/discovery/reading'
import { FlagError } from '@meseta/common/service/parse-flags'
import type { DnsFlags } from './settings.ts'

type Changes = { -readonly [Name in keyof DnsFlags]?: DnsFlags[Name] }
type Reader = (value: unknown, key: string) => Changes

const fail = (key: string, want: string): never => {
  throw new FlagError('mesos_dns_config', `--mesos-dns-config: '${key}' ${want}`)
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)
const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every(item => typeof item === 'string')

const text = (name: 'domain' | 'dns_ip' | 'ip' | 'soa_mname' | 'soa_rname'): Reader => {
  return (value, key) => (typeof value === 'string' ? { [name]: value } : fail(key, 'must be a text'))
}
const number = (
  name: 'ttl' | 'dns_port' | 'port' | 'soa_refresh' | 'soa_retry' | 'soa_expire' | 'srv_weight',
): Reader => {
  return (value, key) => (isNumber(value) ? { [name]: value } : fail(key, 'must be a number'))
}
const truth = (name: 'external' | 'recursion' | 'enforce_rfc952' | 'truncate_bit' | 'enumeration'): Reader => {
  return (value, key) => (typeof value === 'boolean' ? { [name]: value } : fail(key, 'must be true or false'))
}

/** Accepted and without effect: nothing is polled, and the serial is that of the last change. */
const ignored: Reader = (value, key) => (isNumber(value) ? {} : fail(key, 'must be a number'))
const mustBeOn: Reader = (value, key) => (value === true ? {} : fail(key, 'can not be switched off here'))
const mustBeOff: Reader = (value, key) =>
  value === false || value === '' || value === null ? {} : fail(key, 'is not supported yet: leave it out')

/** By key of mesos-dns's file in lower case (contract 1.1), what it means here. */
const readers: Readonly<Record<string, Reader>> = {
  domain: text('domain'),
  listener: text('dns_ip'),
  httplistener: text('ip'),
  soamname: text('soa_mname'),
  soarname: text('soa_rname'),
  ttl: number('ttl'),
  port: number('dns_port'),
  httpport: number('port'),
  soarefresh: number('soa_refresh'),
  soaretry: number('soa_retry'),
  soaexpire: number('soa_expire'),
  srvrecorddefaultweight: number('srv_weight'),
  externalon: truth('external'),
  recurseon: truth('recursion'),
  enforcerfc952: truth('enforce_rfc952'),
  settruncatebit: truth('truncate_bit'),
  enumerationon: truth('enumeration'),
  resolvers: (value, key) => {
    if (!isTexts(value)) return fail(key, 'must be a list of texts')
    return { resolvers: value.length === 0 ? undefined : value }
  },
  zoneresolvers: value => ({ zone_resolvers: value }),
  ipsources: (value, key) => (isTexts(value) ? { ip_sources: value } : fail(key, 'must be a list of texts')),
  timeout: (value, key) =>
    isNumber(value) && value > 0 ? { resolver_timeout: value * 1000 } : fail(key, 'must be seconds'),
  masters: readMasters,
  zk: (value, key) => (typeof value === 'string' ? {} : fail(key, 'must be a text')),
  refreshseconds: ignored,
  statetimeoutseconds: ignored,
  zkdetectiontimeout: ignored,
  soaminttl: ignored,
  soaserial: ignored,
  dnson: mustBeOn,
  httpon: mustBeOn,
  mesoshttpson: mustBeOff,
  cacertfile: mustBeOff,
  certfile: mustBeOff,
  keyfile: mustBeOff,
  mesosauthentication: mustBeOff,
  iamconfigfile: mustBeOff,
}

function readMasters(value: unknown, key: string): Changes {
  if (!isTexts(value)) return fail(key, 'must be a list of host:port')
  const wrong = value.find((master, index) => !/^.+:[1-9]\d{0,4}$/.test(master) || value.indexOf(master) !== index)
  if (wrong !== undefined) fail(key, `names '${wrong.slice(0, 100)}': host:port, each once`)
  return value.length === 0 ? {} : { master: value.map(master => `http://${master}`).join(',') }
}

/**
 * The flags with what a configuration file of mesos-dns says in place of them: keys without regard to case, unknown ones passed over
 * (contract 1.1). `--master` counts before the file's `masters`. Throws FlagError naming the key that can not be followed.
 */
export function withMesosDnsConfig(flags: DnsFlags, file: string): DnsFlags {
  let parsed: unknown
  try {
    parsed = JSON.parse(file)
  } catch (error) {
    throw new FlagError('mesos_dns_config', `--mesos-dns-config: the file is not JSON: ${(error as Error).message}`)
  }
  const body = asBody(parsed)
  if (body === undefined) throw new FlagError('mesos_dns_config', '--mesos-dns-config: the file holds no JSON object')
  let changes: Changes = {}
  for (const [key, value] of Object.entries(body)) {
    const lower = key.toLowerCase()
    if (Object.hasOwn(readers, lower)) changes = { ...changes, ...readers[lower]?.(value, key) }
  }
  return { ...flags, ...changes, master: flags.master ?? changes.master }
}
