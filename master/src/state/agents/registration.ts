import { excerpt } from '@meseta/common/protocol/excerpt'
import { checkId } from '@meseta/common/protocol/ids'
import type { AgentInfo, MasterToAgent, Register, Reregister } from '@meseta/common/protocol/mesos'
import { withCheckpointed } from '@meseta/common/resources/checkpointed'
import { Resources } from '@meseta/common/resources/resources'
import { validateResources } from '@meseta/common/resources/validate'
import { canonical } from '../canonical.ts'
import type { Cluster } from '../cluster.ts'
import { machineOf } from '../maintenance/machines.ts'
import { machineDown, replan } from '../maintenance/maintenance.ts'
import { rescindOffers } from '../offers/offers.ts'
import { adoptOperations } from '../operations/operation-updates.ts'
import { expectOperations } from '../operations/operations.ts'
import type { Agent, Registration } from '../records.ts'
import { ordersIn, tellOrders } from './agent-orders.ts'
import { ownerIn, ownerOf, ownerRefusal } from './agent-owner.ts'
import { removeAgent } from './agent-removal.ts'
import { adopt, reconcileReturn, resendKills } from './agent-return.ts'
import { joinSession, leaveSession, refreshActivity } from './agent-session.ts'
import { releaseOffers } from './recovery-hold.ts'
import { forgetAbsent } from './registry-gc.ts'
import { cancelRemoval } from './removals.ts'

type Message = Register | Reregister

/** The registry keeps many descriptions in one record of the Store (512 KiB): a larger one would end every master that leads. */
const maxInfoBytes = 64 * 1024

/** Register: a new agent, usable once the registry has it (Mesos contract 7.3). */
export function register(cluster: Cluster, link: string, message: Register): void {
  cluster.tally.count('messages_register_slave')
  const refusal = checkRegistration(cluster, link, message)
  if (refusal !== undefined) {
    refuse(cluster, link, refusal)
    return
  }
  const known = cluster.agentsByLink.get(link)
  if (known) {
    welcomeAgain(cluster, known, message)
    return
  }
  if (cluster.registrations.has(link)) return
  removeNamesake(cluster, message.pid)
  const agentId = cluster.newAgentId()
  const agent_info = { ...message.agent_info, id: { value: agentId } }
  admit(cluster, link, { agentId, message: { ...message, agent_info }, first: true })
}

/** Reregister: an agent with an id comes back. Always admitted, unless it is gone (Mesos contract 7.7). */
export function reregister(cluster: Cluster, link: string, message: Reregister): void {
  cluster.tally.count('messages_reregister_slave')
  const agentId = message.agent_info.id?.value
  if (!agentId) {
    refuse(cluster, link, 'Reregister without agent_info.id')
    return
  }
  if (cluster.gone.has(agentId)) {
    refuse(cluster, link, `Agent ${agentId} has been marked gone`)
    return
  }
  const refusal = checkRegistration(cluster, link, message)
  if (refusal !== undefined) {
    refuse(cluster, link, refusal)
    // The leader that took its machine down died before it removed its agents.
    if (refusal === machineDown) forgetAbsent(cluster, agentId)
    return
  }
  const known = cluster.agents.get(agentId)
  // Something is being written of it: it asks again, or its link is closed.
  const isGoing = known?.leaving || cluster.entries.get(agentId)?.state === 'gone'
  if (isGoing || cluster.registrations.has(link)) return
  if (known) {
    refresh(cluster, known, link, message)
    return
  }
  const recovered = cluster.recovered.get(agentId)
  const isWritten = ownerIn(cluster.entries.get(agentId)).link === ownerOf(cluster, link).link
  if (recovered && isWritten && canonical(recovered) === canonical(message.agent_info))
    begin(cluster, link, { agentId, message, first: false })
  else admit(cluster, link, { agentId, message, first: false })
}

function admit(cluster: Cluster, link: string, registration: Registration): void {
  const { agentId, message } = registration
  cluster.registrations.set(link, registration)
  const orders = ordersIn(cluster.entries.get(agentId))
  const entry = { state: 'admitted', info: message.agent_info, ...orders, ...ownerOf(cluster, link) } as const
  cluster.persist({ id: agentId, entry }, { type: 'ADMIT', agentId, link })
}

/** The registry has the agent: now it is one. */
export function admitted(cluster: Cluster, link: string): void {
  const registration = cluster.registrations.get(link)
  if (!registration) return
  cluster.registrations.delete(link)
  const { agentId, message } = registration
  // Since it asked, its machine was taken down.
  if (cluster.machines.isDown(machineOf(message.agent_info, message.pid))) {
    forgetAbsent(cluster, agentId)
    refuse(cluster, link, machineDown)
    return
  }
  const known = cluster.agents.get(agentId)
  // Somebody with the same id was admitted meanwhile, over another link: the later one is it.
  if (known) refresh(cluster, known, link, message as Reregister)
  else begin(cluster, link, registration)
}

function begin(cluster: Cluster, link: string, { agentId, message, first }: Registration): void {
  if (cluster.recovered.delete(agentId)) cluster.change({ type: 'AGENT_RECOVERED_GONE', id: agentId })
  if (cluster.unreachable.delete(agentId)) cluster.change({ type: 'AGENT_UNREACHABLE_FORGOTTEN', id: agentId })
  cancelRemoval(cluster, agentId)
  const agent = addAgent(cluster, link, agentId, message, first)
  cluster.showAgent(agent, true)
  cluster.tally.count(first ? 'slave_registrations' : 'slave_reregistrations')
  if (!first) {
    adoptOperations(cluster, agent, (message as Reregister).operations)
    adopt(cluster, agent, message as Reregister)
  }
  cluster.send(agent, first ? registered(cluster, agent) : reregistered(cluster, agent))
  tellOrders(cluster, agent)
  // The session may have ended while the registry was written.
  if (!cluster.openLinks.has(link)) leaveSession(cluster, agent, false)
  releaseOffers(cluster)
  cluster.wantAllocation()
}

function addAgent(cluster: Cluster, link: string, id: string, message: Message, first: boolean): Agent {
  const agent: Agent = {
    id,
    slot: cluster.takeSlot(),
    info: message.agent_info,
    link,
    session: 0,
    pid: message.pid,
    version: message.version,
    capabilities: capabilitiesOf(message),
    total: totalOf(message)!,
    registeredAt: cluster.now.wall,
    reregisteredAt: first ? undefined : cluster.now.wall,
    connected: true,
    disconnectedAt: undefined,
    leaving: false,
    drainStartedAt: undefined,
    unavailability: undefined,
    invitations: new Map(),
    offers: new Set(),
    executors: new Map(),
  }
  cluster.agents.set(id, agent)
  cluster.agentsByLink.set(link, agent)
  cluster.allocator.addAgent(id, agent)
  replan(cluster, agent)
  refreshActivity(cluster, agent)
  cluster.liveness.watch(agent.slot, cluster.now.monotonic)
  return agent
}

const capabilitiesOf = (message: Message): string[] =>
  (message.capabilities ?? []).map(capability => capability.type ?? 'UNKNOWN')

/** A registered agent begins another session: what it says of itself counts, and its tasks are compared. */
function refresh(cluster: Cluster, agent: Agent, link: string, message: Reregister): void {
  const isRepeated = agent.connected && agent.link === link
  if (canonical(agent.info) !== canonical(message.agent_info)) noteInfo(cluster, agent.id, message.agent_info)
  if (agent.link !== link) moveLink(cluster, agent, link)
  // Over another link it may never have been away, and what it was offered with may be more than it has now.
  rescindOffers(cluster, agent.offers)
  agent.info = message.agent_info
  agent.pid = message.pid
  agent.version = message.version
  agent.capabilities = capabilitiesOf(message)
  agent.total = expectOperations(totalOf(message)!, adoptOperations(cluster, agent, message.operations, isRepeated))
  agent.reregisteredAt = cluster.now.wall
  cluster.allocator.updateAgent(agent.id, agent)
  replan(cluster, agent)
  joinSession(cluster, agent)
  cluster.tally.count('slave_reregistrations')
  const missing = reconcileReturn(cluster, agent, message)
  const answer = reregistered(cluster, agent)
  if (missing.length > 0) answer.reregistered!.reconciliations = missing
  cluster.send(agent, answer)
  resendKills(cluster, agent)
  tellOrders(cluster, agent)
}

/** What it says of itself has changed: the next leader is to know it so. Nobody waits for that, since the agent would say it again. */
function noteInfo(cluster: Cluster, agentId: string, info: AgentInfo): void {
  const entry = cluster.entries.get(agentId)
  if (entry?.state !== 'admitted') return
  cluster.persist({ id: agentId, entry: { ...entry, info } }, { type: 'NOTED' })
}

function moveLink(cluster: Cluster, agent: Agent, link: string): void {
  if (cluster.openLinks.has(agent.link))
    cluster.do({ type: 'CLOSE_LINK', link: agent.link, reason: 'the agent registered over another link' })
  cluster.agentsByLink.delete(agent.link)
  agent.link = link
  agent.session++
  cluster.agentsByLink.set(link, agent)
}

/** The answer to its registration was lost with the session: say it again. */
function welcomeAgain(cluster: Cluster, agent: Agent, message: Register): void {
  if (agent.leaving) return
  if (!agent.connected) {
    agent.total = expectOperations(totalOf(message)!, adoptOperations(cluster, agent, []))
    cluster.allocator.updateAgent(agent.id, agent)
    joinSession(cluster, agent)
  }
  cluster.send(agent, registered(cluster, agent))
  tellOrders(cluster, agent)
}

/** A newly registered agent at the address of a disconnected one takes its place (Mesos contract 7.3). */
function removeNamesake(cluster: Cluster, pid: string): void {
  for (const agent of [...cluster.disconnected]) {
    if (agent.pid !== pid || agent.leaving) continue
    cluster.tally.count('slave_removals/reason_registered')
    removeAgent(cluster, agent)
  }
}

function registered(cluster: Cluster, agent: Agent): MasterToAgent {
  return { registered: welcome(cluster, agent) }
}

function reregistered(cluster: Cluster, agent: Agent): MasterToAgent {
  return { reregistered: welcome(cluster, agent) }
}

const welcome = (cluster: Cluster, agent: Agent) => ({
  agent_id: { value: agent.id },
  total_ping_timeout_seconds: cluster.config.agentSilence / 1000,
})

function refuse(cluster: Cluster, link: string, message: string): void {
  cluster.note({ code: 'REGISTRATION_REFUSED', detail: message })
  cluster.do({ type: 'SEND', link, message: { shutdown: { message } } })
}

function checkRegistration(cluster: Cluster, link: string, message: Message): string | undefined {
  const { agent_info: info, version } = message
  const denied = ownerRefusal(cluster, link, info.id?.value)
  if (denied !== undefined) return denied
  if (cluster.machines.isDown(machineOf(info, message.pid))) return machineDown
  const major = Number(/^(\d+)\./.exec(version)?.[1])
  if (!(major >= 1)) return `Agent version '${excerpt(version, 64)}' is older than 1.0.0`
  const badId = info.id && checkId(info.id.value)
  if (badId) return `agent_info.id.value: ${badId}`
  const bytes = Buffer.byteLength(JSON.stringify(info))
  if (bytes > maxInfoBytes)
    return `agent_info: takes ${bytes} bytes as JSON, and the registry keeps at most ${maxInfoBytes} of an agent; give it fewer attributes or ranges`
  if (info.domain && !cluster.config.domain) return 'Agent has a domain, and the master has none (--domain)'
  if (!info.domain && cluster.config.requireAgentDomain)
    return 'Agent has no domain, and --require_agent_domain asks for one'
  const reason = validateResources(info.resources ?? [])
  return reason === undefined ? checkCheckpointed(message) : `agent_info.resources: ${reason}`
}

function checkCheckpointed(message: Message): string | undefined {
  const reason = validateResources(message.checkpointed_resources ?? [])
  if (reason !== undefined) return `checkpointed_resources: ${reason}`
  if (totalOf(message)) return undefined
  return 'checkpointed_resources: the reservations and volumes do not fit into agent_info.resources'
}

/** What an agent has: its own resources, and what operations made of them. Undefined when these do not fit. */
const totalOf = ({ agent_info: info, checkpointed_resources: checkpointed }: Message): Resources | undefined =>
  withCheckpointed(Resources.from(info.resources), Resources.from(checkpointed))
