import { checkId } from '@meseta/common/protocol/ids'
import type {
  ExecutorInfo,
  FrameworkInfo,
  RunTask,
  RunTaskGroup,
  TaskInfo,
  TaskStatusReason,
} from '@meseta/common/protocol/mesos'
import { executorFolder, sandboxOf } from '../checkpoints/layout.ts'
import { checkpointVersion } from '../checkpoints/stored.ts'
import { containerKey, type SandboxLink, type VolumeLink } from '../containers/launcher.ts'
import { argvOf } from '../executors/argv.ts'
import { taskEnvironment } from '../executors/environment.ts'
import { badCommand, persistentVolumes, unsupported, volumeLinks } from '../executors/support.ts'
import { type Core, isCheckpointed, laneOf } from './core.ts'
import { launchFailed } from './lifecycle.ts'
import { type ExecutorEntry, type ExecutorKind, executorKey, type TaskEntry, taskKey, userOf } from './model.ts'
import { unknownResources } from './operations.ts'
import { report, reportUnknown } from './statuses.ts'

/** The master launches a task. The same task again changes nothing. */
export function runTask(core: Core, { framework_info: info, task }: RunTask): void {
  if (!admit(core, info, [task])) return
  const framework = core.framework(info)
  if (task.executor !== undefined) {
    const custom = core.executors.get(executorKey(framework.id, task.executor.executor_id.value))
    const executor = custom ?? openExecutor(core, info, 'custom', task.executor)
    refuseCustom(core, addTask(core, executor, task))
    return
  }
  if (framework.executors.has(task.task_id.value)) {
    const message = 'Cannot reuse an already existing executor for a command task'
    reportUnknown(core, framework, task.task_id.value, 'REASON_TASK_INVALID', message)
    return
  }
  const executor = openExecutor(core, info, 'command', commandExecutor(task, info))
  startTask(core, addTask(core, executor, task))
}

/** The master launches a group of tasks; they live and die together. */
export function runTaskGroup(
  core: Core,
  { framework_info: info, executor: executorInfo, task_group }: RunTaskGroup,
): void {
  const tasks = task_group.tasks ?? []
  if (!admit(core, info, tasks, executorInfo)) return
  core.framework(info)
  const executor =
    core.executors.get(executorKey(info.id?.value ?? '', executorInfo.executor_id.value)) ??
    openExecutor(core, info, executorInfo.type === 'DEFAULT' ? 'default' : 'custom', executorInfo)
  const group = core.ids.uuid()
  const entries = tasks.map(task => addTask(core, executor, task, group))
  if (executor.kind !== 'default') {
    for (const entry of entries) refuseCustom(core, entry)
    return
  }
  for (const entry of entries) report(core, entry, 'TASK_STARTING')
  for (const entry of entries) startTask(core, entry)
}

function refuseCustom(core: Core, task: TaskEntry): void {
  const message =
    'Failed to launch container: executors that frameworks bring along are not supported by this agent yet; use a command or a task group'
  launchFailed(core, task, message, 'REASON_CONTAINER_LAUNCH_FAILED')
}

/** Whether tasks can be taken at all; tells their framework when not. */
function admit(core: Core, info: FrameworkInfo, tasks: readonly TaskInfo[], executor?: ExecutorInfo): boolean {
  const frameworkId = info.id?.value
  const ids = [frameworkId, executor?.executor_id.value, ...tasks.map(task => task.task_id.value)]
  const bad = ids
    .filter(id => id !== undefined || id === frameworkId)
    .map(id => checkId(id ?? ''))
    .find(Boolean)
  if (bad !== undefined) {
    // No update can be made: the master would not know the ids either.
    core.log('error', `a launch was refused: an id ${bad}`, { framework_id: frameworkId?.slice(0, 80) })
    return false
  }
  const known = tasks.find(task => core.tasks.has(taskKey(frameworkId ?? '', task.task_id.value)))
  if (known !== undefined) {
    core.log('warn', 'the launch of a task that is already here was ignored', { task_id: known.task_id.value })
    return false
  }
  const refusal = refusalOf(core, frameworkId ?? '', tasks, executor)
  if (refusal === undefined) return true
  for (const task of tasks)
    reportUnknown(core, { id: frameworkId ?? '', info }, task.task_id.value, refusal[0], refusal[1])
  return false
}

function refusalOf(
  core: Core,
  frameworkId: string,
  tasks: readonly TaskInfo[],
  executor: ExecutorInfo | undefined,
): readonly [TaskStatusReason, string] | undefined {
  if (core.stopping || core.drain) {
    const doing = core.drain ? 'being drained' : 'stopping its tasks'
    return ['REASON_AGENT_DRAINING', `the agent is ${doing} and takes no new ones`]
  }
  if (core.frameworks.get(frameworkId)?.terminating)
    return ['REASON_FRAMEWORK_REMOVED', 'the framework is being removed from this agent']
  const missing = unknownResources(core, tasks, executor?.resources)
  if (missing === undefined) return undefined
  return ['REASON_RESOURCES_UNKNOWN', `the agent does not have what the task was given: ${missing}`]
}

/** Makes and stores an executor with a new container. */
function openExecutor(core: Core, framework: FrameworkInfo, kind: ExecutorKind, info: ExecutorInfo): ExecutorEntry {
  const entry = core.framework(framework)
  const container = { value: core.ids.uuid() }
  const folder = executorFolder(core.config.workDir, core.id, entry.id, info.executor_id.value)
  const executor: ExecutorEntry = {
    kind,
    info: { ...info, framework_id: { value: entry.id } },
    id: info.executor_id.value,
    framework: entry,
    container,
    directory: sandboxOf(folder, container),
    tasks: new Map(),
    completed: [],
    phase: 'active',
  }
  addExecutor(core, executor)
  const lane = laneOf(executor)
  if (isCheckpointed(executor)) {
    const paths = core.paths(executor)
    const value = { version: checkpointVersion, kind, info: executor.info }
    core.effects.push(
      { type: 'write', lane, path: paths.executorInfo, value },
      { type: 'link', lane, path: paths.latest, target: container.value },
    )
  }
  core.effects.push({ type: 'sandbox-link', lane, path: `${folder}/runs/latest`, target: container.value })
  return executor
}

export function addExecutor(core: Core, executor: ExecutorEntry): void {
  executor.framework.executors.set(executor.id, executor)
  core.executors.set(executorKey(executor.framework.id, executor.id), executor)
  if (executor.kind !== 'command') core.containers.set(containerKey(executor.container), { executor, task: undefined })
}

function addTask(core: Core, executor: ExecutorEntry, info: TaskInfo, group?: string): TaskEntry {
  const isNested = executor.kind === 'default'
  const container = isNested ? { value: core.ids.uuid(), parent: executor.container } : executor.container
  const task: TaskEntry = {
    info,
    id: info.task_id.value,
    key: taskKey(executor.framework.id, info.task_id.value),
    executor,
    container,
    directory: isNested ? `${executor.directory}/containers/${container.value}` : executor.directory,
    group,
    phase: 'launching',
    state: 'TASK_STAGING',
    statuses: [],
    health: undefined,
  }
  trackTask(core, task)
  const lane = laneOf(executor)
  if (isCheckpointed(executor)) {
    const value = { version: checkpointVersion, info, container, group }
    core.effects.push({ type: 'write', lane, path: core.paths(executor).taskInfo(task.id), value })
  }
  if (isNested)
    core.effects.push({
      type: 'sandbox-link',
      lane,
      path: `${executor.directory}/tasks/${task.id}`,
      target: `../containers/${container.value}`,
    })
  return task
}

export function trackTask(core: Core, task: TaskEntry): void {
  task.executor.tasks.set(task.id, task)
  core.tasks.set(task.key, task)
  if (task.executor.kind !== 'custom')
    core.containers.set(containerKey(task.container), { executor: task.executor, task })
}

/** Fetches and starts the process of a task, or fails it with the reason for which it can not run here. */
function startTask(core: Core, task: TaskEntry): void {
  const { info, executor } = task
  if (task.kill !== undefined) {
    // Another of its group has failed meanwhile.
    launchFailed(core, task, '', 'REASON_TASK_KILLED_DURING_LAUNCH')
    return
  }
  const links = linksOf(task)
  const volumes = volumesOf(core, task)
  const problem =
    unsupported(info.container) ??
    unsupported(executor.info.container) ??
    badCommand(info.command) ??
    (typeof links === 'string' ? links : undefined) ??
    (typeof volumes === 'string' ? volumes : undefined)
  if (problem !== undefined || typeof links === 'string' || typeof volumes === 'string') {
    launchFailed(core, task, `Failed to launch container: ${problem}`, 'REASON_CONTAINER_LAUNCH_FAILED')
    return
  }
  const { command } = info
  core.effects.push({
    type: 'launch',
    lane: laneOf(executor),
    spec: {
      id: task.container,
      directory: task.directory,
      argv: argvOf(command?.shell ?? true, command?.value ?? '', command?.arguments ?? []),
      environment: taskEnvironment(core, task),
      user: userOf(task),
      uris: command?.uris ?? [],
      links,
      volumes,
    },
  })
}

function linksOf(task: TaskEntry): readonly SandboxLink[] | string {
  const { executor, info, directory } = task
  const parent = executor.kind === 'default' ? executor.directory : undefined
  const own = volumeLinks(info.container?.volumes ?? [], directory, parent)
  const ofExecutor = parent === undefined ? [] : volumeLinks(executor.info.container?.volumes ?? [], parent, undefined)
  if (typeof own === 'string' || typeof ofExecutor === 'string') return typeof own === 'string' ? own : ofExecutor
  return [...ofExecutor, ...own]
}

/** The persistent volumes of a task, and those of its executor. */
function volumesOf(core: Core, { executor, info, directory }: TaskEntry): readonly VolumeLink[] | string {
  const { workDir } = core.config
  const own = persistentVolumes(info.resources, directory, executor.directory, workDir)
  if (executor.kind !== 'default' || typeof own === 'string') return own
  const ofExecutor = persistentVolumes(executor.info.resources, executor.directory, executor.directory, workDir)
  return typeof ofExecutor === 'string' ? ofExecutor : [...ofExecutor, ...own]
}

/** What the built-in executor of a single task is called (agent contract, section 3). */
function commandExecutor(task: TaskInfo, framework: FrameworkInfo): ExecutorInfo {
  const { command } = task
  const text = command?.shell === false ? [command.value, ...(command.arguments ?? [])].join(', ') : `${command?.value}`
  const shown = text.length > 15 ? `${text.slice(0, 12)}...` : text
  const how = command?.shell === false ? `[${shown}]` : `sh -c '${shown}'`
  return {
    executor_id: { value: task.task_id.value },
    framework_id: framework.id,
    name: `Command Executor (Task: ${task.task_id.value}) (Command: ${how})`,
    source: task.task_id.value,
    command: { value: 'meseta-supervisor', shell: false },
    resources: [
      { name: 'cpus', type: 'SCALAR', scalar: { value: 0.1 } },
      { name: 'mem', type: 'SCALAR', scalar: { value: 32 } },
    ],
  }
}
