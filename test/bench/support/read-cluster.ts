import type { Resource, TaskState } from '@meseta/common/protocol/mesos'
import { parseResources } from '@meseta/common/resources/text'
import type { MasterFacts } from '@meseta/master/replica/facts'
import type { Change } from '@meseta/master/state/changes'

// A cluster as a heart tells readers of it: agents, and tasks of ten frameworks, each as Marathon launches one and as an agent reports it.

export const benchFacts: MasterFacts = {
  clusterName: 'bench',
  clusterId: 'bench',
  version: '1.11.0',
  masterInfo: { id: 'M', ip: 0, port: 5050, pid: 'master@127.0.0.1:5050', hostname: '127.0.0.1' },
  startedAt: 0,
  electedAt: 0,
  weights: new Map(),
  flags: {},
  buildTime: 0,
}

export const agentId = (index: number): string => `5f2c0a6e-4d8b-4f36-9d3d-1c9b1f0e7a11-S${index}`
export const frameworkId = (index: number): string => `5f2c0a6e-4d8b-4f36-9d3d-1c9b1f0e7a11-000${index % 10}`
export const taskId = (index: number): string => `app-${index % 100}.instance-6a1f0c52-77d1-11f0-9d3d-${index}._app.1`

const ipOf = (agent: number): string => `10.${agent >> 16}.${(agent >> 8) & 255}.${agent & 255}`

export function agentChange(index: number): Change {
  return {
    type: 'AGENT',
    arrived: true,
    agent: {
      info: {
        id: { value: agentId(index) },
        hostname: `host-${index}.example`,
        port: 5051,
        attributes: [{ name: 'rack', type: 'TEXT', text: { value: `r${index % 50}` } }],
        resources: agentResources,
      },
      pid: `slave(1)@${ipOf(index)}:5051`,
      version: '1.11.0',
      capabilities: ['MULTI_ROLE', 'HIERARCHICAL_ROLE', 'RESERVATION_REFINEMENT'],
      total: agentResources,
      registeredAt: 1_700_000_000_000 + index,
      reregisteredAt: undefined,
      active: true,
      connected: true,
      deactivated: false,
      drain: undefined,
      drainStartedAt: undefined,
      invitations: [],
    },
  }
}

const agentResources = parseResources('cpus:64;mem:65536;disk:65536;ports:[31000-32000]')

export function frameworkChange(index: number): Change {
  return {
    type: 'FRAMEWORK',
    arrived: true,
    framework: {
      info: {
        user: 'root',
        name: `marathon-${index}`,
        id: { value: frameworkId(index) },
        roles: ['r'],
        capabilities: [{ type: 'MULTI_ROLE' }],
      },
      active: true,
      connected: true,
      recovered: false,
      registeredAt: 1_700_000_000_000,
      reregisteredAt: undefined,
      constraints: undefined,
    },
  }
}

const resourcesOf = (index: number): Resource[] =>
  parseResources(`cpus:0.1;mem:32;ports:[${31_000 + (index % 1_000)}-${31_000 + (index % 1_000)}]`).map(resource => ({
    ...resource,
    allocation_info: { role: 'r' },
  }))

export const taskChange = (index: number, agents: number): Change => ({
  type: 'TASK',
  task: {
    name: `app-${index % 100}`,
    task_id: { value: taskId(index) },
    framework_id: { value: frameworkId(index) },
    agent_id: { value: agentId(index % agents) },
    state: 'TASK_STAGING',
    resources: resourcesOf(index),
    labels: { labels: [{ key: 'of', value: 'a benchmark' }] },
    discovery: {
      visibility: 'FRAMEWORK',
      name: `app-${index % 100}`,
      ports: { ports: [{ number: 31_000 + (index % 1_000), name: 'http', protocol: 'tcp' }] },
    },
    user: 'root',
  },
})

export const statusChange = (index: number, agents: number, state: TaskState, timestamp: number): Change => ({
  type: 'TASK_STATUS',
  frameworkId: frameworkId(index),
  taskId: taskId(index),
  state,
  status: {
    task_id: { value: taskId(index) },
    state,
    source: 'SOURCE_EXECUTOR',
    agent_id: { value: agentId(index % agents) },
    executor_id: { value: taskId(index) },
    timestamp,
    uuid: 'q1mQZ3m5R6uS0n4yJm0xEg==',
    container_status: {
      container_id: { value: `9a3c5f1e-0000-4000-8000-${String(index).padStart(12, '0')}` },
      network_infos: [{ ip_addresses: [{ protocol: 'IPv4', ip_address: ipOf(index % agents) }] }],
    },
  },
  forwarded: { state, uuid: 'q1mQZ3m5R6uS0n4yJm0xEg==' },
})

/** The whole cluster in batches as the steps of a heart make them, each task with its STARTING and RUNNING. */
export function* clusterChanges(agents: number, tasks: number): Iterable<Change[]> {
  yield Array.from({ length: 10 }, (_, index) => frameworkChange(index))
  for (let from = 0; from < agents; from += 100)
    yield Array.from({ length: Math.min(100, agents - from) }, (_, i) => agentChange(from + i))
  for (let from = 0; from < tasks; from += 50) {
    const some = Array.from({ length: Math.min(50, tasks - from) }, (_, i) => from + i)
    yield some.map(index => taskChange(index, agents))
    yield some.map(index => statusChange(index, agents, 'TASK_STARTING', 1_700_000_000 + index / 1e3))
    yield some.map(index => statusChange(index, agents, 'TASK_RUNNING', 1_700_000_001 + index / 1e3))
  }
}
