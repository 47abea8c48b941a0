import { isIP } from 'node:net'
import type { AgentView } from '@meseta/common/discovery/agent'
import type { TaskView } from '@meseta/common/discovery/task'
import { type Protocol, type VipClaim, type VipName, vipClaims } from './vip-labels.ts'

/** A place that connections to a virtual IP go to. Weight 0: it keeps open connections and gets no new ones. */
export interface Backend {
  readonly ip: string
  readonly port: number
  readonly weight: 0 | 1
  readonly taskId: string
  readonly frameworkId: string
  readonly agentId: string
}

/** What the service framework says of an instance: its own health checks, which Mesos does not see, and its intent to kill it. */
export interface InstanceView {
  readonly healthy: boolean | undefined
  readonly killing: boolean
}

/** Whether a task gets new connections (contract 3.2); `undefined`: it is no backend at all. */
export function weightOf(task: TaskView, instance: InstanceView | undefined): 0 | 1 | undefined {
  if (task.state === 'TASK_KILLING') return 0
  if (task.state !== 'TASK_RUNNING') return undefined
  if (instance?.killing === true || instance?.healthy === false) return 0
  return (task.healthy ?? !task.hasHealthCheck) ? 1 : 0
}

/** The backends of a task, each with its virtual IP. */
export function taskBackends(
  task: TaskView,
  agent: AgentView,
  framework: string,
  instance: InstanceView | undefined,
): { vip: VipName; backend: Backend }[] {
  const weight = weightOf(task, instance)
  if (weight === undefined) return []
  return vipClaims(task, framework).flatMap(claim =>
    places(task, agent, claim).map(({ ip, port }) => ({
      vip: claim.vip,
      backend: { ip, port, weight, taskId: task.id, frameworkId: task.frameworkId, agentId: task.agentId },
    })),
  )
}

/** The agent and a host port where there is one, else each address of the task. An address asked for takes those of its family only. */
function places(task: TaskView, agent: AgentView, { vip, scope, port }: VipClaim): { ip: string; port: number }[] {
  const onHost = agent.address === undefined ? [] : [agent.address]
  const hostPort = scope === 'host' ? port : mappedPort(task, vip.protocol, port)
  const own = task.addresses.netinfo.length > 0 ? task.addresses.netinfo : onHost
  const ips = hostPort === undefined ? own : onHost
  const fitting = vip.isAddress ? ips.filter(ip => isIP(ip) === isIP(vip.host)) : ips
  return fitting.map(ip => ({ ip, port: hostPort ?? port }))
}

const mappedPort = (task: TaskView, protocol: Protocol, port: number): number | undefined =>
  task.portMappings.find(mapping => mapping.containerPort === port && mapping.protocol === protocol)?.hostPort
