import type { LogLevel } from '@meseta/common/service/logger'
import type { ComponentName } from './cluster-file.ts'
import { type Machine, slice } from './machine.ts'
import type { PortWish } from './ports.ts'

/** What somebody asked of `meseta up`. */
export interface ClusterShape {
  readonly clusterName: string
  readonly workDir: string
  readonly masters: number
  readonly agents: number
  readonly logLevel: LogLevel
  readonly machine: Machine
  /** Coordination url: `embedded:<folder>` or `zk://…` without a path of its own. */
  readonly store: string
  /** Bus url: `embedded:` or `nats://…`. */
  readonly bus: string
}

/** One component of the cluster with its command line. */
export interface PlannedComponent {
  readonly component: Exclude<ComponentName, 'zookeeper' | 'nats' | 'up'>
  readonly name: string
  readonly ip: string
  readonly port: number
  readonly flags: readonly string[]
}

const loopback = (index: number) => `127.0.0.${index + 1}`
const range = (count: number) => Array.from({ length: count }, (_, index) => index)

/** The ports a cluster of this shape wants: each contract's own, with fixed second choices where those are privileged. */
export function portWishes(shape: Pick<ClusterShape, 'masters' | 'agents'>): PortWish[] {
  const one = (name: string, ...choices: number[]): PortWish => ({ name, ip: '127.0.0.1', choices })
  return [
    ...range(shape.masters).map(i => ({ name: `master-${i + 1}`, ip: loopback(i), choices: [5050] })),
    ...range(shape.agents).map(i => ({ name: `agent-${i + 1}`, ip: loopback(i), choices: [5051] })),
    one('marathon', 8080),
    one('universe', 7070),
    one('balancer', 62080),
    { ...one('dns-http', 8123), member: 'dns' },
    { ...one('dns', 53, 61053), udp: true },
    one('gateway', 80, 8000),
  ]
}

/** Every component of the cluster in the order of their start, with its flags. Pure: the same shape and ports, the same plan. */
export function planCluster(shape: ClusterShape, ports: Readonly<Record<string, number>>): PlannedComponent[] {
  const url = (ip: string, name: string) => `http://${ip}:${ports[name]}`
  const masters = range(shape.masters)
    .map(i => url(loopback(i), `master-${i + 1}`))
    .join(',')
  const marathon = url('127.0.0.1', 'marathon')
  const universe = url('127.0.0.1', 'universe')
  const gateway = url('127.0.0.1', 'gateway')
  const balancer = url('127.0.0.1', 'balancer')
  const dnsHttp = url('127.0.0.1', 'dns-http')

  const plan = (
    component: PlannedComponent['component'],
    name: string,
    ip: string,
    portName: string,
    flags: readonly string[],
  ): PlannedComponent => {
    const port = ports[portName]
    if (port === undefined) throw new Error(`no port was chosen for ${portName}`)
    const common = [
      `--ip=${ip}`,
      `--port=${port}`,
      `--hostname=${ip}`,
      `--work-dir=${shape.workDir}/${name}`,
      `--cluster-name=${shape.clusterName}`,
      `--log-level=${shape.logLevel}`,
    ]
    return { component, name, ip, port, flags: [...common, ...flags] }
  }
  // In ZooKeeper the master's records and candidates lie where existing tools look for them, all others beside.
  const inStore = (folder: string) => `--store=${shape.store}${shape.store.startsWith('zk:') ? folder : ''}`
  const store = inStore('/meseta')
  const bus = `--bus=${shape.bus}`
  const master = `--master=${masters}`

  return [
    ...range(shape.masters).map(i =>
      plan('master', `master-${i + 1}`, loopback(i), `master-${i + 1}`, [inStore('/mesos'), bus]),
    ),
    ...range(shape.agents).map(i =>
      plan('agent', `agent-${i + 1}`, loopback(i), `agent-${i + 1}`, [
        bus,
        `--resources=${slice(shape.machine, i, shape.agents)}`,
      ]),
    ),
    plan('balancer', 'balancer', '127.0.0.1', 'balancer', [store, master, `--marathon=${marathon}`]),
    plan('dns', 'dns', '127.0.0.1', 'dns-http', [master, `--balancer=${balancer}`, `--dns-port=${ports.dns}`]),
    plan('marathon', 'marathon', '127.0.0.1', 'marathon', [store, master]),
    plan('universe', 'universe', '127.0.0.1', 'universe', [
      store,
      master,
      `--marathon=${marathon}`,
      `--router=${gateway}`,
    ]),
    plan('gateway', 'gateway', '127.0.0.1', 'gateway', [
      master,
      `--marathon=${marathon}`,
      `--universe=${universe}`,
      `--balancer=${balancer}`,
      `--dns=${dnsHttp}`,
    ]),
  ]
}
