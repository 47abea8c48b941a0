import { isIP } from 'node:net'
import { domainFragment } from '@meseta/common/discovery/labels'
import { asPort } from '@meseta/common/discovery/reading'
import type { TaskView } from '@meseta/common/discovery/task'

export type Protocol = 'tcp' | 'udp'

/** The domain of named virtual IPs. */
export const vipDomain = 'l4lb.thisdcos.directory'

/** What a virtual IP is called: an address as it was asked for, or `<name>.<framework>`. */
export interface VipName {
  readonly host: string
  readonly isAddress: boolean
  readonly port: number
  readonly protocol: Protocol
}

/** One wish of a task: this virtual IP leads to this port of it. */
export interface VipClaim {
  readonly vip: VipName
  /** A port of the machine, or one of the task's own, which may be mapped to one of the machine. */
  readonly scope: 'host' | 'container'
  readonly port: number
}

/** More wishes of one task are not looked at. */
const mostClaims = 256

/** The key of a virtual IP in feeds and tables: `<address or full name>:<port>/<protocol>`. */
export function vipKey(vip: VipName): string {
  return `${vipText(vip)}/${vip.protocol}`
}

/** A virtual IP as people write it: `api.marathon.l4lb.thisdcos.directory:80`, `1.2.3.4:5000`. */
export function vipText({ host, isAddress, port }: VipName): string {
  return `${isAddress ? host : `${host}.${vipDomain}`}:${port}`
}

/** Reads a label's value: `1.2.3.4:5000`, `fd01:c::9:80`, `/name:port`, `name:port`; the last colon splits (contract 3.1). */
export function parseVip(value: string, protocol: Protocol, framework: string): VipName | undefined {
  const colon = value.lastIndexOf(':')
  const text = value.slice(colon + 1)
  const port = /^\d{1,5}$/.test(text) ? asPort(Number(text)) : undefined
  if (colon <= 0 || port === undefined) return undefined
  const left = value.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  if (isIP(left) !== 0) return { host: left.toLowerCase(), isAddress: true, port, protocol }
  const name = domainFragment(left)
  const owner = domainFragment(framework)
  const host = `${name}.${owner}`
  return name === '' || owner === '' || host.length > 200 ? undefined : { host, isAddress: false, port, protocol }
}

function protocolOf(text: string): Protocol | undefined {
  const lower = text.toLowerCase()
  return lower === 'tcp' || lower === 'udp' ? lower : undefined
}

/** The virtual IPs that a task asks for: labels on its discovery ports, and the old `VIP_PORT<i>` labels of the task itself. */
export function vipClaims(task: TaskView, framework: string): VipClaim[] {
  return [...portClaims(task, framework), ...oldClaims(task, framework)].slice(0, mostClaims)
}

function portClaims(task: TaskView, framework: string): VipClaim[] {
  return task.discoveryPorts.flatMap(port => {
    const protocol = protocolOf(port.protocol)
    if (protocol === undefined) return []
    const onHost = port.labels.some(label => label.key === 'network-scope' && label.value === 'host')
    return port.labels
      .filter(label => label.key.startsWith('VIP') || label.key.startsWith('vip'))
      .flatMap(label => {
        const vip = parseVip(label.value, protocol, framework)
        return vip === undefined
          ? []
          : { vip, scope: onHost ? ('host' as const) : ('container' as const), port: port.number }
      })
  })
}

/** Label `VIP_PORT<i>`, value `tcp://vip` or `udp://vip`: the i-th port of the task's resources. */
function oldClaims(task: TaskView, framework: string): VipClaim[] {
  return task.labels.flatMap(label => {
    const index = /^vip_port(\d{1,4})$/i.exec(label.key)?.[1]
    const [, scheme = '', rest = ''] = /^(tcp|udp):\/\/(.+)$/i.exec(label.value) ?? []
    const protocol = protocolOf(scheme)
    const port = index === undefined ? undefined : task.ports[Number(index)]
    if (protocol === undefined || port === undefined) return []
    const vip = parseVip(rest, protocol, framework)
    return vip === undefined ? [] : { vip, scope: 'host' as const, port }
  })
}
