import { openAgentEnd } from '@meseta/common/messaging/agent-end'
import type { Bus } from '@meseta/common/messaging/bus'
import type { AgentEnd } from '@meseta/common/messaging/link'
import type { RunTask, TaskState } from '@meseta/common/protocol/mesos'
import { parseResources } from '@meseta/common/resources/text'
import { systemClock } from '@meseta/common/service/clock'
import { systemRandom } from '@meseta/common/service/random'
import type { Logger } from 'pino'

export interface SimulatedAgentOptions {
  readonly bus: Bus
  readonly cluster: string
  readonly index: number
  readonly log: Logger
  readonly resources?: string | undefined
  /** How long a task of that name runs, ms; for ever unless given. */
  readonly lifetime?: ((name: string) => number) | undefined
  /** Told when a task's RUNNING was handed to the link. */
  readonly running?: (taskId: string) => void
}

export interface SimulatedAgent {
  readonly id: string | undefined
  readonly end: AgentEnd
  stop(): Promise<void>
}

/** An agent that runs nothing: it says STARTING, RUNNING and, where tasks end, FINISHED of each task it is sent, over the real link. */
export function startSimulatedAgent(options: SimulatedAgentOptions): SimulatedAgent {
  const { bus, cluster, index, log } = options
  const ip = `127.1.${index >> 8}.${index & 255}`
  let id: string | undefined
  const register = () =>
    end.send({
      register: {
        agent_info: {
          hostname: ip,
          port: 5051,
          resources: parseResources(options.resources ?? 'cpus:64;mem:65536;disk:65536;ports:[31000-32000]'),
        },
        pid: `slave(1)@${ip}:5051`,
        version: '1.11.0',
        capabilities: [{ type: 'MULTI_ROLE' }, { type: 'HIERARCHICAL_ROLE' }, { type: 'RESERVATION_REFINEMENT' }],
      },
    })
  const report = ({ task, framework_info }: RunTask, state: TaskState) =>
    end.send({
      status_update: {
        framework_id: framework_info.id!,
        latest_state: state,
        status: {
          task_id: task.task_id,
          state,
          source: 'SOURCE_EXECUTOR',
          agent_id: { value: id! },
          executor_id: { value: task.task_id.value },
          timestamp: systemClock.now() / 1000,
          uuid: Buffer.from(systemRandom.bytes(16)).toString('base64'),
          container_status: {
            container_id: { value: task.task_id.value },
            network_infos: [{ ip_addresses: [{ protocol: 'IPv4', ip_address: ip }] }],
          },
        },
      },
    })
  /** Tasks whose STARTING waits for its acknowledgement: one status at a time, as an agent does. */
  const starting = new Map<string, RunTask>()
  const acknowledged = (taskId: string) => {
    const run = starting.get(taskId)
    if (!run) return
    starting.delete(taskId)
    options.running?.(taskId)
    report(run, 'TASK_RUNNING')
    // At least a second: its RUNNING has been acknowledged by then.
    if (options.lifetime) setTimeout(() => report(run, 'TASK_FINISHED'), options.lifetime(run.task.name))
  }
  const end = openAgentEnd({
    bus,
    cluster,
    link: `bench${index}`,
    agentId: () => id,
    clock: systemClock,
    random: systemRandom,
    log,
    events: {
      opened: register,
      received(message) {
        if (message.registered) id = message.registered.agent_id.value
        if (message.run_task) {
          starting.set(message.run_task.task.task_id.value, message.run_task)
          report(message.run_task, 'TASK_STARTING')
        }
        if (message.acknowledge) acknowledged(message.acknowledge.task_id.value)
      },
      ended: () => undefined,
    },
  })
  return {
    get id() {
      return id
    },
    end,
    stop: () => end.stop(),
  }
}
