import { join } from 'node:path'
import type { ContainerID } from '@meseta/common/protocol/mesos'

/** Where things lie (agent contract, section 4). Meta paths are relative to `<work-dir>/meta`. Ids have been checked before. */
export const layout = {
  bootId: 'boot_id',
  linkId: 'link_id',
  followed: 'followed_epoch',
  resources: 'resources/resources_and_operations.state',
  latestAgent: 'slaves/latest',
  agents: 'slaves',
  agentInfo: (agent: string) => `slaves/${agent}/slave.info`,
  drain: (agent: string) => `slaves/${agent}/drain.config`,
  frameworks: (agent: string) => `slaves/${agent}/frameworks`,
  framework: (agent: string, framework: string) => `slaves/${agent}/frameworks/${framework}`,
  frameworkInfo: (agent: string, framework: string) => `slaves/${agent}/frameworks/${framework}/framework.info`,
  executors: (agent: string, framework: string) => `slaves/${agent}/frameworks/${framework}/executors`,
  executor: (agent: string, framework: string, executor: string) =>
    `slaves/${agent}/frameworks/${framework}/executors/${executor}`,
}

/** Paths of one run of an executor. */
export class RunPaths {
  /** Meta folder of the executor, holding all its runs. */
  readonly executor: string
  readonly executorInfo: string
  readonly latest: string
  readonly run: string
  readonly tasks: string
  constructor(agent: string, framework: string, executor: string, container: string) {
    this.executor = layout.executor(agent, framework, executor)
    this.executorInfo = `${this.executor}/executor.info`
    this.latest = `${this.executor}/runs/latest`
    this.run = `${this.executor}/runs/${container}`
    this.tasks = `${this.run}/tasks`
  }
  task(task: string): string {
    return `${this.tasks}/${task}`
  }
  taskInfo(task: string): string {
    return `${this.task(task)}/task.info`
  }
  updates(task: string): string {
    return `${this.task(task)}/task.updates`
  }
  kill(task: string): string {
    return `${this.task(task)}/task.kill`
  }
}

/** The folder of an executor in the work folder, which holds the sandboxes of its runs. */
export function executorFolder(workDir: string, agent: string, framework: string, executor: string): string {
  return join(workDir, 'slaves', agent, 'frameworks', framework, 'executors', executor)
}

/** The sandbox of a container; that of a nested one lies in its parent's. */
export function sandboxOf(executorRuns: string, container: ContainerID): string {
  return container.parent === undefined
    ? join(executorRuns, 'runs', container.value)
    : join(sandboxOf(executorRuns, container.parent), 'containers', container.value)
}
