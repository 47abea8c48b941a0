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
  readonly resources?: string
  /** Told when a task's RUNNING was handed to the link. */
  readonly running?: (taskId: string) => void
}

export interface SimulatedAgent {
  readonly id: string | undefined
  readonly end: AgentEnd
  stop(): Promise<void>
}

/** An agent that runs nothing: it says STARTING and RUNNING of each task it is sent, over the real link. */
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
  /** What waits for the acknowledgement of the status before it: one at a time, as an agent does. */
  const waiting = new Map<string, RunTask>()
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
          waiting.set(message.run_task.task.task_id.value, message.run_task)
          report(message.run_task, 'TASK_STARTING')
        }
        const acknowledged = message.acknowledge?.task_id.value
        const next = acknowledged === undefined ? undefined : waiting.get(acknowledged)
        if (next) {
          waiting.delete(acknowledged!)
          options.running?.(acknowledged!)
          report(next, 'TASK_RUNNING')
        }
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
