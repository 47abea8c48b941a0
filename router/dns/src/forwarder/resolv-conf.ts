import { BlockList, isIP } from 'node:net'

/** A server that is asked for names outside. */
export interface Upstream {
  readonly address: string
  readonly port: number
}

/** `1.2.3.4`, `1.2.3.4:5353`, `fd01::1`, `[fd01::1]:5353`. `undefined` when it is none of them. */
export function parseUpstream(text: string): Upstream | undefined {
  if (isIP(text) !== 0) return { address: text, port: 53 }
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text)
  const address = match?.[1] ?? match?.[2] ?? ''
  const port = Number(match?.[3] ?? 53)
  return isIP(address) !== 0 && port > 0 && port < 65_536 ? { address, port } : undefined
}

const local = /^(127\.|0\.0\.0\.0$|::1$|::$|::ffff:127\.)/

/** Name servers of a resolv.conf that are not this machine, at most `mostServers`: asking ourselves would go round in a circle. */
export function parseResolvConf(text: string, machine: readonly string[] = []): Upstream[] {
  const own = new BlockList()
  for (const address of machine) own.addAddress(address, familyOf(address))
  const isOwn = (address: string) => local.test(address) || own.check(address.replace(/%.*$/, ''), familyOf(address))
  return text
    .split('\n')
    .flatMap(line => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? [])
    .filter(address => isIP(address) !== 0 && !isOwn(address))
    .slice(0, mostServers)
    .map(address => ({ address, port: 53 }))
}

const familyOf = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4')

const mostServers = 8
