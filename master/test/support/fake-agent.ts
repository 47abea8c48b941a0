import { openAgentEnd } from '@meseta/common/messaging/agent-end'
import type { Bus } from '@meseta/common/messaging/bus'
import type { AgentEnd } from '@meseta/common/messaging/link'
import type {
  AgentInfo,
  FrameworkInfo,
  MasterToAgent,
  Task,
  TaskInfo,
  TaskState,
  TaskStatus,
} from '@meseta/common/protocol/mesos'
import { parseResources } from '@meseta/common/resources/text'
import { type Clock, systemClock } from '@meseta/common/service/clock'
import { type Random, systemRandom } from '@meseta/common/service/random'
import { pino } from 'pino'

export interface FakeAgentOptions {
  readonly bus: Bus
  readonly link: string
  readonly cluster?: string
  readonly resources?: string
  readonly pid?: string
  readonly attributes?: AgentInfo['attributes']
  readonly clock?: Clock
  readonly random?: Random
  /** Start tasks by itself: RUNNING at once. True unless said. */
  readonly runs?: boolean
}

interface Running {
  readonly task: TaskInfo
  readonly framework: FrameworkInfo
  state: TaskState
  status: TaskStatus | undefined
}

/** An agent that runs nothing: it registers over the real link, says RUNNING, KILLED, and keeps what was acknowledged. */
export class FakeAgent {
  readonly received: MasterToAgent[] = []
  readonly tasks = new Map<string, Running>()
  readonly acknowledged: string[] = []
  readonly #options: FakeAgentOptions
  readonly #clock: Clock
  readonly #random: Random
  #end: AgentEnd
  id: string | undefined
  #waiting: (() => void)[] = []

  constructor(options: FakeAgentOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? systemRandom
    this.#end = this.#open()
  }

  #open(): AgentEnd {
    return openAgentEnd({
      bus: this.#options.bus,
      cluster: this.#options.cluster ?? 'meseta',
      link: this.#options.link,
      agentId: () => this.id,
      clock: this.#clock,
      random: this.#random,
      log: pino({ level: 'silent' }),
      events: {
        opened: () => this.#register(),
        received: message => this.#receive(message),
        ended: () => undefined,
      },
    })
  }

  get info(): AgentInfo {
    return {
      hostname: '127.0.0.1',
      port: 5051,
      resources: parseResources(this.#options.resources ?? 'cpus:4;mem:4096;disk:10000;ports:[31000-31100]'),
      ...(this.#options.attributes ? { attributes: this.#options.attributes } : {}),
      ...(this.id === undefined ? {} : { id: { value: this.id } }),
    }
  }

  #register(): void {
    const common = {
      agent_info: this.info,
      pid: this.#options.pid ?? 'slave(1)@127.0.0.1:5051',
      version: '1.11.0',
      capabilities: [
        { type: 'MULTI_ROLE' as const },
        { type: 'HIERARCHICAL_ROLE' as const },
        { type: 'RESERVATION_REFINEMENT' as const },
      ],
    }
    if (this.id === undefined) {
      this.#end.send({ register: common })
      return
    }
    const running = [...this.tasks.values()]
    const frameworks = new Map(running.map(({ framework }) => [framework.id!.value, framework]))
    this.#end.send({
      reregister: { ...common, tasks: running.map(taskOf), frameworks: [...frameworks.values()] },
    })
    for (const { framework, status, state } of running) if (status) this.#send(framework.id!.value, status, state)
  }

  #receive(message: MasterToAgent): void {
    this.received.push(message)
    if (message.registered) this.id = message.registered.agent_id.value
    if (message.run_task) this.#run(message.run_task.framework_info, message.run_task.task)
    for (const task of message.run_task_group?.task_group.tasks ?? [])
      this.#run(message.run_task_group!.framework_info, task)
    if (message.kill_task && this.#options.runs !== false) this.update(message.kill_task.task_id.value, 'TASK_KILLED')
    if (message.acknowledge) {
      this.acknowledged.push(message.acknowledge.uuid)
      const running = this.tasks.get(message.acknowledge.task_id.value)
      if (running?.status?.uuid === message.acknowledge.uuid) {
        running.status = undefined
        if (!['TASK_STAGING', 'TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING'].includes(running.state))
          this.tasks.delete(message.acknowledge.task_id.value)
      }
    }
    if (message.shutdown_framework) {
      for (const [id, { framework }] of [...this.tasks])
        if (framework.id!.value === message.shutdown_framework.framework_id.value) this.tasks.delete(id)
    }
    for (const wake of this.#waiting.splice(0)) wake()
  }

  #run(framework: FrameworkInfo, task: TaskInfo): void {
    this.tasks.set(task.task_id.value, { task, framework, state: 'TASK_STAGING', status: undefined })
    if (this.#options.runs !== false) this.update(task.task_id.value, 'TASK_RUNNING')
  }

  /** Sends a status update of a task. */
  update(taskId: string, state: TaskState, more: Partial<TaskStatus> = {}): TaskStatus {
    const running = this.tasks.get(taskId)!
    const status: TaskStatus = {
      task_id: { value: taskId },
      agent_id: { value: this.id! },
      state,
      source: 'SOURCE_EXECUTOR',
      timestamp: this.#clock.now() / 1000,
      uuid: Buffer.from(this.#random.bytes(16)).toString('base64'),
      container_status: {
        container_id: { value: `container-${taskId}` },
        network_infos: [{ ip_addresses: [{ protocol: 'IPv4', ip_address: '127.0.0.1' }] }],
      },
      ...more,
    }
    running.state = state
    running.status = status
    this.#send(running.framework.id!.value, status, state)
    return status
  }

  #send(frameworkId: string, status: TaskStatus, state: TaskState): void {
    this.#end.send({
      status_update: { framework_id: { value: frameworkId }, status, latest_state: state },
    })
  }

  send(message: Parameters<AgentEnd['send']>[0]): boolean {
    return this.#end.send(message)
  }

  /** Waits until what it received satisfies. */
  async until(satisfied: (agent: FakeAgent) => boolean, seconds = 10): Promise<void> {
    const deadline = Date.now() + seconds * 1000
    while (!satisfied(this)) {
      const left = deadline - Date.now()
      if (left <= 0) throw new Error(`the agent received only ${JSON.stringify(this.received).slice(0, 2000)}`)
      await new Promise<void>(wake => {
        const timer = setTimeout(wake, left)
        this.#waiting.push(() => {
          clearTimeout(timer)
          wake()
        })
      })
    }
  }

  registered(): Promise<void> {
    return this.until(({ received }) => received.some(message => message.registered ?? message.reregistered))
  }

  async stop(): Promise<void> {
    await this.#end.stop()
  }

  /** As after a restart: a new session, with what it has. */
  async restart(): Promise<void> {
    await this.#end.stop()
    this.received.length = 0
    this.#end = this.#open()
  }
}

function taskOf({ task, framework, state }: Running): Task {
  return {
    name: task.name,
    task_id: task.task_id,
    framework_id: framework.id!,
    agent_id: task.agent_id,
    state,
    resources: task.resources ?? [],
    ...(task.executor ? { executor_id: task.executor.executor_id } : {}),
  }
}
