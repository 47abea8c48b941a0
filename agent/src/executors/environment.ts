import type { Environment } from '@meseta/common/protocol/mesos'
import { containerKey, markName } from '../containers/launcher.ts'
import type { Core } from '../core/core.ts'
import type { ExecutorEntry, TaskEntry } from '../core/model.ts'

/**
 * The environment of a task: the agent's flag, what the agent says of itself, the executor's and the task's own variables,
 * each over the one before (agent contract, section 2). The agent's own environment stays out.
 */
export function taskEnvironment(core: Core, task: TaskEntry): Record<string, string> {
  const role = task.info.resources?.find(resource => resource.allocation_info?.role !== undefined)?.allocation_info
    ?.role
  return {
    ...executorEnvironment(core, task.executor),
    MESOS_DIRECTORY: task.directory,
    MESOS_SANDBOX: task.directory,
    HOME: task.directory,
    MESOS_CONTAINER_IP: core.config.ip,
    ...(role === undefined ? {} : { MESOS_ALLOCATION_ROLE: role }),
    ...variablesOf(task.executor.info.command?.environment),
    ...variablesOf(task.info.command?.environment),
    [markName]: containerKey(task.container),
  }
}

/** The environment of an executor. */
export function executorEnvironment(core: Core, executor: ExecutorEntry): Record<string, string> {
  const { config } = core
  const grace = executor.info.shutdown_grace_period?.nanoseconds
  const isCheckpointed = executor.framework.info.checkpoint === true
  return {
    PATH: config.taskPath,
    ...config.environment,
    MESETA_NODE: config.nodePath,
    HOME: executor.directory,
    MESOS_FRAMEWORK_ID: executor.framework.id,
    MESOS_EXECUTOR_ID: executor.id,
    MESOS_SLAVE_ID: core.id,
    MESOS_SLAVE_PID: `slave(1)@${config.endpoint}`,
    MESOS_AGENT_ENDPOINT: config.endpoint,
    MESOS_DIRECTORY: executor.directory,
    MESOS_SANDBOX: executor.directory,
    MESOS_CHECKPOINT: isCheckpointed ? '1' : '0',
    MESOS_HTTP_COMMAND_EXECUTOR: '0',
    MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: seconds(grace === undefined ? config.shutdownGrace : grace / 1e6),
    LIBPROCESS_PORT: '0',
    LIBPROCESS_IP: config.ip,
    ...(isCheckpointed ? { MESOS_RECOVERY_TIMEOUT: '15mins', MESOS_SUBSCRIPTION_BACKOFF_MAX: '2secs' } : {}),
  }
}

/** Variables with their values; a secret counts when the value lies in it. */
export function variablesOf(environment: Environment | undefined): Record<string, string> {
  const variables: Record<string, string> = {}
  for (const { name, type, value, secret } of environment?.variables ?? []) {
    if (type === 'SECRET') variables[name] = Buffer.from(secret?.value?.data ?? '', 'base64').toString('utf8')
    else variables[name] = value ?? ''
  }
  return variables
}

function seconds(milliseconds: number): string {
  return `${milliseconds / 1000}secs`
}
