import { commonFlags } from '@meseta/common/service/common-flags'
import { defineFlags } from '@meseta/common/service/flags'
import { masterCredentialFlags } from '@meseta/common/service/own-credential'

/** Flags of the DNS. Those that mesos-dns has too mean the same as there (discovery contract 1.1). */
export const dnsFlags = defineFlags({
  ...commonFlags(8123),
  dns_ip: { type: 'string', help: 'The loopback address on which DNS is answered; --ip unless given.' },
  dns_port: { type: 'number', default: 53, help: 'The port of DNS, UDP and TCP; 0 means any free one.' },
  ...masterCredentialFlags,
  master: {
    type: 'string',
    help: 'URLs of the masters, separated by commas: http://a:5050,http://b:5050. Needed here or in --mesos-dns-config.',
  },
  mesos_dns_config: {
    type: 'string',
    help: 'A configuration file of mesos-dns, whose values count before other flags.',
  },
  balancer: { type: 'string', help: 'URL of the balancer, for the names of virtual IPs; without it there are none.' },
  domain: {
    type: 'string',
    default: 'mesos',
    help: 'The domain of the names of tasks, frameworks, agents and masters.',
  },
  ttl: { type: 'number', default: 60, help: 'TTL of the records in the domain, seconds.' },
  srv_weight: { type: 'number', default: 1, help: 'Weight of the SRV records in the domain; their priority is 0.' },
  ip_sources: {
    type: 'list',
    default: ['netinfo', 'mesos', 'host'],
    help: "Where a task's addresses come from, the first that has any: netinfo, mesos, docker, host.",
  },
  dns_unhealthy: {
    type: 'string',
    default: 'last',
    choices: ['include', 'exclude', 'last'],
    help: 'Unhealthy tasks: always named, never, or only while there is no healthy one of that name.',
  },
  enforce_rfc952: {
    type: 'boolean',
    default: false,
    help: 'Make labels of at most 24 characters that begin with a letter.',
  },
  external: {
    type: 'boolean',
    default: true,
    help: 'Ask other servers for names that are not ours; otherwise REFUSED.',
  },
  resolvers: {
    type: 'list',
    help: "Servers to ask for other names, ip or ip:port, in this order; the machine's own non-local ones unless given.",
  },
  zone_resolvers: { type: 'json', help: 'Servers of particular zones: {"example.com": ["10.0.0.1:53"]}.' },
  resolver_timeout: { type: 'duration', default: 5_000, help: 'How long one of those servers may take to answer.' },
  edns_size: { type: 'number', default: 1232, help: 'Largest UDP answer for clients that take as much, bytes.' },
  truncate_bit: { type: 'boolean', default: true, help: 'Say so when an answer was shortened (TC).' },
  recursion: { type: 'boolean', default: true, help: 'The RA flag of answers in our zones.' },
  enumeration: { type: 'boolean', default: true, help: 'Serve /v1/enumerate and /v1/axfr.' },
  soa_mname: { type: 'string', help: 'Name of the name server; ns1.<domain> unless given.' },
  soa_rname: { type: 'string', help: 'Mail address of its keeper; root.ns1.<domain> unless given.' },
  soa_refresh: { type: 'number', default: 60, help: 'SOA refresh, seconds.' },
  soa_retry: { type: 'number', default: 600, help: 'SOA retry, seconds.' },
  soa_expire: { type: 'number', default: 86_400, help: 'SOA expire, seconds.' },
})
