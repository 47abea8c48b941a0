import type { AgentInfo, Register, Reregister, Task } from '@meseta/common/protocol/mesos'
import type { Core } from './core.ts'
import type { TaskEntry } from './model.ts'
import { checkpointedOf } from './operations.ts'

/** What the agent says of itself. */
export function agentInfo(core: Core): AgentInfo {
  const { hostname, port, resources, attributes } = core.config
  return {
    hostname,
    port,
    resources: [...resources],
    ...(attributes.length > 0 ? { attributes: [...attributes] } : {}),
    ...(core.agentId === undefined ? {} : { id: { value: core.agentId } }),
  }
}

export function registerMessage(core: Core): Register {
  const checkpointed = checkpointedOf(core)
  return {
    agent_info: agentInfo(core),
    pid: `slave(1)@${core.config.endpoint}`,
    version: core.config.version,
    capabilities: [...core.config.capabilities],
    ...(checkpointed.isEmpty ? {} : { checkpointed_resources: checkpointed.toArray() }),
  }
}

/** All that a master must know of an agent that it has, or a former one had: every task not yet acknowledged to its end. */
export function reregisterMessage(core: Core): Reregister {
  const frameworks = [...core.frameworks.values()].filter(framework => !framework.terminating)
  return {
    ...registerMessage(core),
    tasks: frameworks.flatMap(framework =>
      [...framework.executors.values()].flatMap(executor =>
        [...executor.tasks.values()].map(task => toTask(core, task)),
      ),
    ),
    executors: frameworks.flatMap(framework =>
      [...framework.executors.values()]
        .filter(executor => executor.kind !== 'command' && executor.phase !== 'terminated')
        .map(executor => ({ framework_id: { value: framework.id }, executor_info: executor.info })),
    ),
    frameworks: frameworks.map(framework => framework.info),
    completed_frameworks: core.completedFrameworks.map(framework => framework.info),
    operations: [...core.operations.values()].map(({ operation }) => operation),
  }
}

/** A task as state queries and re-registration show it. */
export function toTask(core: Core, task: TaskEntry): Task {
  const { info, executor, state, statuses } = task
  const forwarded = core.updates.stream(task.key)?.forwarded
  const { labels, discovery, container, health_check, kill_policy, limits, resources } = info
  return {
    name: info.name,
    task_id: info.task_id,
    framework_id: { value: executor.framework.id },
    ...(executor.kind === 'command' ? {} : { executor_id: { value: executor.id } }),
    agent_id: { value: core.id },
    state,
    ...(resources === undefined ? {} : { resources }),
    ...(statuses.length > 0 ? { statuses: [...statuses] } : {}),
    ...(forwarded === undefined ? {} : { status_update_state: forwarded.state, status_update_uuid: forwarded.uuid }),
    ...(labels === undefined ? {} : { labels }),
    ...(discovery === undefined ? {} : { discovery }),
    ...(container === undefined ? {} : { container }),
    ...(health_check === undefined ? {} : { health_check }),
    ...(kill_policy === undefined ? {} : { kill_policy }),
    ...(limits === undefined ? {} : { limits }),
    user: info.command?.user ?? executor.framework.info.user,
  }
}
