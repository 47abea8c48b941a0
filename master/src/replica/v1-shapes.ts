import type {
  ExecutorInfo,
  MasterResponseGetAgents,
  MasterResponseGetAgentsAgent,
  MasterResponseGetExecutors,
  MasterResponseGetFrameworks,
  MasterResponseGetFrameworksFramework,
  MasterResponseGetRoles,
  MasterResponseGetState,
  MasterResponseGetTasks,
  TimeInfo,
} from '@meseta/common/protocol/mesos'
import type { Resources } from '@meseta/common/resources/resources'
import { rolesIn } from './roles.ts'
import type { AgentRow, FrameworkRow, Tables } from './tables.ts'

// The replies of the v1 operator API (Mesos contract 3).

const time = (milliseconds: number): TimeInfo => ({ nanoseconds: Math.round(milliseconds * 1e6) })
const shown = (resources: Resources) => resources.inBothFormats()

export function v1Agent({ view, total, used, offered }: AgentRow): MasterResponseGetAgentsAgent {
  return {
    agent_info: view.info,
    active: view.active,
    deactivated: false,
    version: view.version,
    pid: view.pid,
    registered_time: time(view.registeredAt),
    ...(view.reregisteredAt === undefined ? {} : { reregistered_time: time(view.reregisteredAt) }),
    total_resources: shown(total),
    allocated_resources: shown(used),
    offered_resources: shown(offered),
    capabilities: view.capabilities.map(type => ({ type: type as 'MULTI_ROLE' })),
  }
}

export function v1Framework(row: FrameworkRow): MasterResponseGetFrameworksFramework {
  const { view } = row
  return {
    framework_info: view.info,
    active: view.active,
    connected: view.connected,
    recovered: view.recovered,
    registered_time: time(view.registeredAt),
    ...(view.reregisteredAt === undefined ? {} : { reregistered_time: time(view.reregisteredAt) }),
    ...(row.completedAt === undefined ? {} : { unregistered_time: time(row.completedAt) }),
    offers: [...row.offers.values()],
    allocated_resources: shown(row.used),
    offered_resources: shown(row.offered),
    ...(view.constraints ? { offer_constraints: view.constraints } : {}),
  }
}

export function getAgents(tables: Tables): MasterResponseGetAgents {
  return {
    agents: [...tables.agents.values()].map(v1Agent),
    recovered_agents: [...tables.recoveredAgents.values()],
  }
}

export function getFrameworks(tables: Tables): MasterResponseGetFrameworks {
  return {
    frameworks: [...tables.frameworks.values()].map(v1Framework),
    completed_frameworks: [...tables.completedFrameworks.values()].map(v1Framework),
  }
}

export function getTasks(tables: Tables): MasterResponseGetTasks {
  const reply: Required<MasterResponseGetTasks> = {
    pending_tasks: [],
    tasks: [],
    unreachable_tasks: [],
    completed_tasks: [],
    orphan_tasks: [],
  }
  for (const row of [...tables.frameworks.values(), ...tables.completedFrameworks.values()]) {
    for (const { task, fate } of row.tasks.values())
      (fate === 'unreachable' ? reply.unreachable_tasks : reply.tasks).push(task)
    for (const { task } of row.completed) reply.completed_tasks.push(task)
  }
  return reply
}

export function getExecutors(tables: Tables): MasterResponseGetExecutors {
  const executors: { executor_info: ExecutorInfo; agent_id: { value: string } }[] = []
  for (const row of tables.frameworks.values())
    for (const { info, agentId } of row.executors.values())
      executors.push({ executor_info: info, agent_id: { value: agentId } })
  return { executors }
}

export function getState(tables: Tables): MasterResponseGetState {
  return {
    get_tasks: getTasks(tables),
    get_executors: getExecutors(tables),
    get_frameworks: getFrameworks(tables),
    get_agents: getAgents(tables),
  }
}

export function getRoles(tables: Tables, weights: ReadonlyMap<string, number>): MasterResponseGetRoles {
  return {
    roles: rolesIn(tables, weights).map(role => ({
      name: role.name,
      weight: role.weight,
      frameworks: role.frameworks.map(value => ({ value })),
      resources: shown(role.used.plus(role.offered)),
    })),
  }
}
