import { stringify } from '@meseta/common/protocol/codec'
import type {
  AgentInfo,
  MasterResponseGetAgentsAgent,
  MasterResponseGetFrameworksFramework,
  MasterResponseGetRoles,
  TimeInfo,
} from '@meseta/common/protocol/mesos'
import type { Resources } from '@meseta/common/resources/resources'
import { type Parts, type Rows, rowsOf } from './message-parts.ts'
import { rolesIn } from './roles.ts'
import type { AgentRow, FrameworkRow, Frozen, FrozenFramework, Tables } from './tables.ts'
import type { Fate } from './task-rows.ts'
import { seen, seenOf, seesAll, seesOperation, type Views } from './views.ts'

// The replies of the v1 operator API (Mesos contract 3); those that may be large in parts.

const time = (milliseconds: number): TimeInfo => ({ nanoseconds: Math.round(milliseconds * 1e6) })
const shown = (resources: Resources) => resources.inBothFormats()

/** Of what is reserved that which the viewer may see. */
export function v1Agent({ view, total, used, offered }: AgentRow, views: Views): MasterResponseGetAgentsAgent {
  return {
    agent_info: agentInfo(view.info, views),
    active: view.active,
    deactivated: view.deactivated,
    version: view.version,
    pid: view.pid,
    registered_time: time(view.registeredAt),
    ...(view.reregisteredAt === undefined ? {} : { reregistered_time: time(view.reregisteredAt) }),
    total_resources: shown(seen(total, views)),
    allocated_resources: shown(seen(used, views)),
    offered_resources: shown(seen(offered, views)),
    capabilities: view.capabilities.map(type => ({ type: type as 'MULTI_ROLE' })),
    ...(view.drain ? { drain_info: view.drain } : {}),
    ...(view.drainStartedAt === undefined ? {} : { estimated_drain_start_time: time(view.drainStartedAt) }),
  }
}

const agentInfo = (info: AgentInfo, views: Views): AgentInfo =>
  views === seesAll || !info.resources ? info : { ...info, resources: seenOf(info.resources, views) }

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
    inverse_offers: [...row.inverseOffers.values()],
    allocated_resources: shown(row.used),
    offered_resources: shown(row.offered),
    ...(view.constraints ? { offer_constraints: view.constraints } : {}),
  }
}

export function getAgents({ agents, recoveredAgents }: Frozen, views: Views): Parts {
  return {
    name: 'mesos.v1.master.Response.GetAgents',
    fields: {
      agents: rowsOf(
        'mesos.v1.master.Response.GetAgents.Agent',
        () => agents,
        agent => v1Agent(agent, views),
      ),
      recovered_agents: rowsOf(
        'mesos.v1.AgentInfo',
        () => recoveredAgents,
        info => agentInfo(info, views),
      ),
    },
  }
}

export function getFrameworks({ frameworks, completedFrameworks }: Frozen, views: Views): Parts {
  const rows = (all: readonly FrozenFramework[]) => {
    const seen = all.filter(({ row }) => views.framework(row.view.info))
    return rowsOf(
      'mesos.v1.master.Response.GetFrameworks.Framework',
      () => seen,
      ({ row }) => v1Framework(row),
    )
  }
  return {
    name: 'mesos.v1.master.Response.GetFrameworks',
    fields: { frameworks: rows(frameworks), completed_frameworks: rows(completedFrameworks) },
  }
}

export function getTasks({ frameworks, completedFrameworks }: Frozen, views: Views): Parts {
  function* tasks(fate: Fate) {
    for (const { row, tasks } of [...frameworks, ...completedFrameworks])
      for (const task of tasks[fate]) if (views === seesAll || views.task(task.task, row.view.info)) yield task
  }
  // They are kept as protobuf.
  const rows = (fate: Fate): Rows => ({
    of: 'mesos.v1.Task',
    rows: {
      *[Symbol.iterator]() {
        for (const task of tasks(fate))
          yield { json: () => stringify('mesos.v1.Task', task.task), protobuf: () => task.v1 }
      },
    },
  })
  return {
    name: 'mesos.v1.master.Response.GetTasks',
    fields: { tasks: rows('active'), unreachable_tasks: rows('unreachable'), completed_tasks: rows('completed') },
  }
}

export function getExecutors({ frameworks }: Frozen, views: Views): Parts {
  function* executors() {
    for (const { row } of frameworks)
      for (const executor of row.executors.values()) if (views.executor(executor.info, row.view.info)) yield executor
  }
  return {
    name: 'mesos.v1.master.Response.GetExecutors',
    fields: {
      executors: rowsOf('mesos.v1.master.Response.GetExecutors.Executor', executors, ({ info, agentId }) => ({
        executor_info: info,
        agent_id: { value: agentId },
      })),
    },
  }
}

export function getOperations({ operations }: Frozen, views: Views): Parts {
  const seen = operations.filter(({ info }) => views === seesAll || seesOperation(views, info))
  return {
    name: 'mesos.v1.master.Response.GetOperations',
    fields: {
      operations: rowsOf(
        'mesos.v1.Operation',
        () => seen,
        operation => operation,
      ),
    },
  }
}

export function getState(frozen: Frozen, views: Views): Parts {
  return {
    name: 'mesos.v1.master.Response.GetState',
    fields: {
      get_tasks: getTasks(frozen, views),
      get_executors: getExecutors(frozen, views),
      get_frameworks: getFrameworks(frozen, views),
      get_agents: getAgents(frozen, views),
    },
  }
}

export function getRoles(tables: Tables, weights: ReadonlyMap<string, number>, views: Views): MasterResponseGetRoles {
  return {
    roles: rolesIn(tables, weights)
      .filter(({ name }) => views.role(name))
      .map(role => ({
        name: role.name,
        weight: role.weight,
        frameworks: role.frameworks.map(value => ({ value })),
        resources: shown(role.used.plus(role.offered)),
      })),
  }
}
