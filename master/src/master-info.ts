import type { MasterInfo } from '@meseta/common/protocol/mesos'
import { mesosVersion } from './api/version.ts'

/** A master as the others see it. `ip` is an IPv4 address (Mesos contract 2.5). */
export function masterInfoOf(options: {
  readonly id: string
  readonly ip: string
  readonly port: number
  readonly hostname: string
  readonly domain: MasterInfo['domain']
}): MasterInfo {
  const { id, ip, port, hostname, domain } = options
  return {
    id,
    ip: networkOrder(ip),
    port,
    pid: `master@${ip}:${port}`,
    hostname,
    version: mesosVersion,
    address: { hostname, ip, port },
    ...(domain ? { domain } : {}),
    capabilities: [{ type: 'AGENT_UPDATE' }, { type: 'AGENT_DRAINING' }, { type: 'QUOTA_V2' }],
  }
}

/** An IPv4 address as the number whose bytes in memory, little-endian, are the address: 10.0.0.1 is 16777226. */
function networkOrder(ip: string): number {
  const parts = ip.split('.').map(Number)
  if (parts.length !== 4 || parts.some(part => !(part >= 0 && part <= 255))) return 0
  return parts.reduceRight((sum, part) => sum * 256 + part, 0)
}
