import { listFiles, readBytes } from '@meseta/common/files/files-api'
import type {
  AgentCall,
  AgentCallType,
  AgentResponse,
  AgentResponseGetAgent,
  AgentResponseGetExecutors,
  AgentResponseGetFrameworks,
  AgentResponseGetTasks,
} from '@meseta/common/protocol/mesos'
import { isTerminal } from '@meseta/common/protocol/task-state'
import { HttpError } from '@meseta/common/service/errors'
import type { Core } from '../core/core.ts'
import { agentInfo, toTask } from '../core/reports.ts'
import type { HostAgent } from '../host-agent.ts'
import type { SandboxFiles } from '../sandbox/files.ts'
import { viewContainers } from './containers.ts'
import { versionInfo } from './version.ts'

/** What the calls are answered from. */
export interface OperatorSources {
  readonly host: HostAgent
  readonly files: SandboxFiles
  readonly startedAt: number
  readonly flags: () => Readonly<Record<string, string>>
  readonly metrics: () => Readonly<Record<string, number>>
}

type Answer = (sources: OperatorSources, call: AgentCall) => AgentResponse | Promise<AgentResponse>

/** The calls of POST /api/v1 that this agent answers (agent contract, 1.1). */
const calls: Partial<Record<AgentCallType, Answer>> = {
  GET_HEALTH: () => ({ get_health: { healthy: true } }),
  GET_VERSION: ({ startedAt }) => ({ get_version: { version_info: versionInfo(startedAt) } }),
  GET_FLAGS: ({ flags }) => ({
    get_flags: { flags: Object.entries(flags()).map(([name, value]) => ({ name, value })) },
  }),
  GET_METRICS: ({ metrics }) => ({
    get_metrics: { metrics: Object.entries(metrics()).map(([name, value]) => ({ name, value })) },
  }),
  GET_STATE: ({ host }) => {
    const { core } = host.agent.heart
    return { get_state: { get_tasks: tasks(core), get_executors: executors(core), get_frameworks: frameworks(core) } }
  },
  GET_TASKS: ({ host }) => ({ get_tasks: tasks(host.agent.heart.core) }),
  GET_EXECUTORS: ({ host }) => ({ get_executors: executors(host.agent.heart.core) }),
  GET_FRAMEWORKS: ({ host }) => ({ get_frameworks: frameworks(host.agent.heart.core) }),
  GET_OPERATIONS: ({ host }) => {
    const { operations } = host.agent.heart.core
    return { get_operations: { operations: [...operations.values()].map(({ operation }) => operation) } }
  },
  GET_RESOURCE_PROVIDERS: () => ({ get_resource_providers: {} }),
  GET_AGENT: ({ host }) => ({ get_agent: getAgent(host.agent.heart.core) }),
  GET_CONTAINERS: getContainers,
  LIST_FILES: async ({ files }, call) => ({
    list_files: { file_infos: await listFiles(files, required(call.list_files, 'list_files').path) },
  }),
  READ_FILE: async ({ files }, call) => ({ read_file: await readBytes(files, required(call.read_file, 'read_file')) }),
}

/** @throws {HttpError} 400 where the body of the call is missing, 501 for what is not supported, and those of files */
export async function answerCall(sources: OperatorSources, call: AgentCall): Promise<AgentResponse> {
  const { type = 'UNKNOWN' } = call
  const answer = calls[type]
  if (answer === undefined) throw new HttpError(501, `the call ${type} is not supported yet by this agent`)
  if (type === 'GET_METRICS') required(call.get_metrics, 'get_metrics')
  return { type, ...(await answer(sources, call)) } as AgentResponse
}

function getAgent(core: Core): AgentResponseGetAgent {
  const { drain } = core
  return {
    agent_info: agentInfo(core),
    ...(drain
      ? { drain_config: drain.config, estimated_drain_start_time: { nanoseconds: drain.startedAt * 1e6 } }
      : {}),
  }
}

async function getContainers({ host }: OperatorSources, { get_containers }: AgentCall): Promise<AgentResponse> {
  const views = await viewContainers(host, {}, get_containers?.show_nested ?? false)
  return {
    get_containers: {
      containers: views.map(({ executor, id, status, statistics }) => ({
        framework_id: { value: executor.framework.id },
        executor_id: { value: executor.id },
        executor_name: executor.info.name ?? '',
        container_id: id,
        container_status: status,
        ...(statistics === undefined ? {} : { resource_statistics: statistics }),
      })),
    },
  }
}

function tasks(core: Core): AgentResponseGetTasks {
  const live = [...core.tasks.values()]
  const past = [...core.frameworks.values(), ...core.completedFrameworks].flatMap(framework =>
    [...framework.executors.values(), ...framework.completed].flatMap(executor => executor.completed),
  )
  const show = (list: typeof live) => list.map(task => toTask(core, task))
  return {
    queued_tasks: show(live.filter(task => task.phase === 'launching')),
    launched_tasks: show(live.filter(task => task.phase !== 'launching' && !isTerminal(task.state))),
    terminated_tasks: show(live.filter(task => task.phase === 'ended' && isTerminal(task.state))),
    completed_tasks: show(past),
  }
}

function executors(core: Core): AgentResponseGetExecutors {
  const past = [...core.frameworks.values(), ...core.completedFrameworks].flatMap(framework => framework.completed)
  return {
    executors: [...core.executors.values()].map(({ info }) => ({ executor_info: info })),
    completed_executors: past.map(({ info }) => ({ executor_info: info })),
  }
}

function frameworks(core: Core): AgentResponseGetFrameworks {
  return {
    frameworks: [...core.frameworks.values()].map(({ info }) => ({ framework_info: info })),
    completed_frameworks: core.completedFrameworks.map(({ info }) => ({ framework_info: info })),
  }
}

function required<T>(body: T | undefined, name: string): T {
  if (body === undefined) throw new HttpError(400, `Expecting '${name}' to be present`)
  return body
}
