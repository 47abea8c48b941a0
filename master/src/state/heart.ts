import type { AgentToMaster } from '@meseta/common/protocol/mesos'
import { ordersWritten, takeOrders } from './agents/agent-orders.ts'
import { removalWritten, removeAgent, unreachableWritten } from './agents/agent-removal.ts'
import { agentResources } from './agents/agent-resources.ts'
import { linkEnded } from './agents/agent-session.ts'
import { goneWritten } from './agents/gone.ts'
import { holdOffers } from './agents/recovery-hold.ts'
import { admitted, register, reregister } from './agents/registration.ts'
import { forgotten } from './agents/registry-gc.ts'
import { cancelRemoval } from './agents/removals.ts'
import { answerMore } from './answers.ts'
import { handleCall } from './calls.ts'
import { Cluster } from './cluster.ts'
import type { Command, Now, RegisteredAgent, Settings } from './commands.ts'
import type { HeartConfig } from './config.ts'
import type { Effect } from './effects.ts'
import { streamBroken } from './frameworks/framework-end.ts'
import { MachinePlan } from './maintenance/machines.ts'
import { makeOffers } from './offers/offers.ts'
import { operationUpdate } from './operations/operation-updates.ts'
import { operate } from './operator-calls.ts'
import type { Agent } from './records.ts'
import { applyQuotas } from './settings/quota.ts'
import { settingWritten } from './settings/settings.ts'
import { applyWeights } from './settings/weights.ts'
import { removeExecutor } from './tasks/launch.ts'
import { statusUpdate } from './tasks/updates.ts'
import { probed, tick } from './ticking.ts'

/**
 * The master's heart: commands and the time go in, effects come out, in order. It is synchronous and deterministic: the same
 * configuration and steps give the same effects.
 */
export class Heart {
  readonly #cluster: Cluster

  constructor(config: HeartConfig) {
    this.#cluster = new Cluster(config)
  }

  /** Read only: for metrics and for tests of invariants. */
  get cluster(): Cluster {
    return this.#cluster
  }

  step(now: Now, commands: readonly Command[]): Effect[] {
    this.#cluster.now = now
    for (const command of commands) handle(this.#cluster, command)
    return this.#cluster.takeEffects()
  }
}

function handle(cluster: Cluster, command: Command): void {
  switch (command.type) {
    case 'RECOVERED':
      recover(cluster, command.agents, command.settings)
      return
    case 'LINK_OPENED':
      cluster.openLinks.add(command.link)
      return
    case 'LINK_MESSAGE':
      hear(cluster, command.link, command.message)
      return
    case 'LINK_ENDED':
      linkEnded(cluster, command.link, command.restarted)
      return
    case 'HEARD': {
      const agent = cluster.agentsByLink.get(command.link)
      if (!agent) return
      cluster.liveness.heard(agent.slot, cluster.now.monotonic)
      cancelRemoval(cluster, agent.id)
      return
    }
    case 'TICK':
      tick(cluster, command.hearsItself)
      return
    case 'ALLOCATE':
      cluster.allocationBegins()
      makeOffers(cluster, cluster.allocator.cycle())
      return
    case 'WHITELIST':
      cluster.allocator.setWhitelist(command.hostnames)
      return
    case 'PROBED':
      probed(cluster, command.agentId, command.alive)
      return
    case 'PERSISTED':
      persisted(cluster, command.op)
      return
    case 'CALL':
      handleCall(cluster, command)
      return
    case 'STREAM_BROKEN':
      streamBroken(cluster, command.streamId)
      return
    case 'STREAM_READY': {
      const framework = cluster.frameworksByStream.get(command.streamId)
      if (framework) answerMore(cluster, framework)
      return
    }
    case 'STREAM_PRESSURE': {
      const framework = cluster.frameworksByStream.get(command.streamId)
      if (!framework) return
      cluster.allocator.setBlocked(framework.id, command.blocked)
      if (!command.blocked) cluster.wantAllocation()
      return
    }
    case 'OPERATE':
      operate(cluster, command)
      return
  }
}

function recover(cluster: Cluster, agents: readonly RegisteredAgent[], settings: Settings): void {
  cluster.settings = settings
  cluster.planned = settings
  cluster.change({ type: 'SETTINGS', settings })
  cluster.recoveredAt = cluster.now.monotonic
  cluster.lastGcAt = cluster.now.monotonic
  for (const { id, entry } of agents) {
    cluster.entries.set(id, entry)
    takeOrders(cluster, id, entry)
    if (entry.state === 'admitted') {
      cluster.recovered.set(id, entry.info)
      cluster.change({ type: 'AGENT_RECOVERED', info: entry.info })
    } else if (entry.state === 'unreachable') {
      cluster.unreachable.set(id, entry.since)
      cluster.change({ type: 'AGENT_UNREACHABLE', id })
    } else cluster.gone.set(id, entry.since)
  }
  cluster.recoveredCount = cluster.recovered.size
  cluster.machines = new MachinePlan(settings.maintenance)
  applyWeights(cluster)
  applyQuotas(cluster)
  holdOffers(cluster)
}

function persisted(cluster: Cluster, op: number): void {
  const write = cluster.pending.get(op)
  cluster.pending.delete(op)
  switch (write?.type) {
    case 'ADMIT':
      admitted(cluster, write.link)
      return
    case 'UNREACHABLE':
      unreachableWritten(cluster, write.agentId, write.since)
      return
    case 'REMOVE':
      removalWritten(cluster, write.agentId, write.why)
      return
    case 'FORGET':
      forgotten(cluster, write.agentId)
      return
    case 'GONE':
      goneWritten(cluster, write.agentId, write.since, write.request)
      return
    case 'SETTING':
      settingWritten(cluster, write.change, write.request, write.roles)
      return
    case 'ORDERS':
      ordersWritten(cluster, write.agentId, write.orders, write.request)
      return
    default:
  }
}

/** A message of an agent. Before it has (re-)registered in this session, nothing else of it counts. */
function hear(cluster: Cluster, link: string, message: AgentToMaster): void {
  if (message.register) {
    register(cluster, link, message.register)
    return
  }
  if (message.reregister) {
    reregister(cluster, link, message.reregister)
    return
  }
  const agent = cluster.agentsByLink.get(link)
  if (!agent?.connected) {
    cluster.tally.count('dropped_messages')
    cluster.note({ code: 'MESSAGE_BEFORE_REGISTRATION', detail: link })
    return
  }
  if (message.status_update) {
    statusUpdate(cluster, agent, message.status_update)
    return
  }
  if (message.exited_executor) {
    exitedExecutor(cluster, agent, message.exited_executor)
    return
  }
  if (message.executor_message) {
    executorMessage(cluster, agent, message.executor_message)
    return
  }
  if (message.unregister) {
    cluster.tally.count('messages_unregister_slave')
    cluster.tally.count('slave_removals/reason_unregistered')
    removeAgent(cluster, agent)
    return
  }
  if (message.operation_update) {
    operationUpdate(cluster, agent, message.operation_update.operation)
    return
  }
  if (message.update_agent) {
    agentResources(cluster, agent, message.update_agent)
    return
  }
  cluster.tally.count('dropped_messages')
}

function exitedExecutor(cluster: Cluster, agent: Agent, message: NonNullable<AgentToMaster['exited_executor']>): void {
  cluster.tally.count('messages_exited_executor')
  const frameworkId = message.framework_id.value
  if (!removeExecutor(cluster, agent, frameworkId, message.executor_id.value)) return
  const framework = cluster.frameworks.get(frameworkId)
  if (!framework) return
  cluster.tell(framework, {
    type: 'FAILURE',
    failure: {
      agent_id: { value: agent.id },
      executor_id: message.executor_id,
      ...(message.status === undefined ? {} : { status: message.status }),
    },
  })
}

function executorMessage(
  cluster: Cluster,
  agent: Agent,
  message: NonNullable<AgentToMaster['executor_message']>,
): void {
  cluster.tally.count('messages_executor_to_framework')
  const framework = cluster.frameworks.get(message.framework_id.value)
  if (framework)
    cluster.tell(framework, {
      type: 'MESSAGE',
      message: { agent_id: { value: agent.id }, executor_id: message.executor_id, data: message.data },
    })
}
