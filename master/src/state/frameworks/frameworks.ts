import type { FrameworkInfo, SchedulerCall, SchedulerCallUpdateFramework } from '@meseta/common/protocol/mesos'
import { OfferConstraints } from '../../allocator/constraints.ts'
import { canonical } from '../canonical.ts'
import type { Cluster } from '../cluster.ts'
import { heartbeatSeconds } from '../heartbeat.ts'
import { discardInverseOffers } from '../maintenance/inverse-offers.ts'
import { discardOffers, rescindOffers } from '../offers/offers.ts'
import { Questions } from '../questions.ts'
import type { Agent, Framework } from '../records.ts'
import { closeStream } from './framework-end.ts'
import { tellAgent } from './framework-hosts.ts'
import { capabilitiesOf, checkFrameworkInfo, checkSuppressed, rolesOf } from './framework-info.ts'
import { changesPrincipal, foreignPrincipal, rolesRefusal, withPrincipal } from './principals.ts'

/** SUBSCRIBE, already checked for what is a 400. `streamId` is the one of the stream to be opened. */
export function subscribe(
  cluster: Cluster,
  request: number,
  call: SchedulerCall,
  streamId: string,
  principal: string | undefined,
): void {
  const { framework_info: given, suppressed_roles: suppressed = [], offer_constraints } = call.subscribe!
  const foreign = foreignPrincipal(given, principal)
  if (foreign !== undefined) {
    cluster.reply(request, 400, foreign)
    return
  }
  const asked = withPrincipal(given, principal)
  const id = asked.id?.value || undefined
  const known = id === undefined ? undefined : cluster.frameworks.get(id)
  cluster.tally.count(id === undefined ? 'messages_register_framework' : 'messages_reregister_framework')
  const roles = rolesOf(asked)
  const constraints = offer_constraints && OfferConstraints.compile(offer_constraints, roles, cluster.config.patterns)
  const refusal =
    checkFrameworkInfo(asked, cluster.config) ??
    checkSuppressed(suppressed, roles) ??
    refusalIn(constraints) ??
    (id !== undefined && cluster.completed.has(id) ? 'Framework has been removed' : undefined) ??
    (known && changesPrincipal(known, asked) ? "Changing framework's principal is not allowed." : undefined) ??
    rolesRefusal(cluster, asked)
  if (refusal !== undefined) {
    cluster.do({ type: 'STREAM_REFUSED', request, message: refusal })
    return
  }
  const framework = known ?? addFramework(cluster, { ...asked, id: { value: id ?? cluster.newFrameworkId() } }, false)
  cluster.tally.call(framework.id, 'SUBSCRIBE')
  if (known) takeOver(cluster, known)
  openStream(cluster, framework, request, streamId)
  applyInfo(
    cluster,
    framework,
    known ? kept(known, asked) : framework.info,
    suppressed,
    constraints as Framework['constraints'],
  )
  framework.recovered = false
  cluster.allocator.activateFramework(framework.id)
  cluster.showFramework(framework, known === undefined)
  if (known) offerAgain(cluster, known)
  else cluster.wantAllocation()
}

/** A framework that returns is offered at once, and if it keeps coming with the ticks: a cycle over all agents each time is too dear. */
function offerAgain(cluster: Cluster, framework: Framework): void {
  const { monotonic } = cluster.now
  if (monotonic - framework.offeredAgainAt < cluster.config.allocationInterval) return
  framework.offeredAgainAt = monotonic
  cluster.wantAllocation()
}

/** A failover keeps user and checkpoint, silently (Mesos contract 2.1). */
function kept(known: Framework, asked: FrameworkInfo): FrameworkInfo {
  const info: FrameworkInfo = { ...asked, id: known.info.id!, user: known.info.user }
  if (known.info.checkpoint !== undefined) info.checkpoint = known.info.checkpoint
  else delete info.checkpoint
  return info
}

function takeOver(cluster: Cluster, framework: Framework): void {
  if (framework.streamId !== undefined) {
    cluster.tell(framework, { type: 'ERROR', error: { message: 'Framework failed over' } })
    closeStream(cluster, framework)
    cluster.allocator.deactivateFramework(framework.id)
  }
  discardOffers(cluster, framework)
  discardInverseOffers(cluster, framework)
  framework.reregisteredAt = cluster.now.wall
  framework.removeAt = undefined
}

function openStream(cluster: Cluster, framework: Framework, request: number, streamId: string): void {
  framework.streamId = streamId
  cluster.frameworksByStream.set(streamId, framework)
  cluster.do({ type: 'STREAM_OPENED', request, streamId, frameworkId: framework.id })
  cluster.tell(framework, {
    type: 'SUBSCRIBED',
    subscribed: {
      framework_id: { value: framework.id },
      heartbeat_interval_seconds: heartbeatSeconds,
      master_info: cluster.config.masterInfo,
    },
  })
  cluster.tell(framework, { type: 'HEARTBEAT' })
  cluster.tally.framework(framework.id, 'subscribed', 0)
}

/** Adds a framework that is inactive until it subscribes. `recovered`: known only from its agents. */
export function addFramework(cluster: Cluster, info: FrameworkInfo, recovered: boolean): Framework {
  const framework: Framework = {
    id: info.id!.value,
    info,
    capabilities: capabilitiesOf(info),
    roles: rolesOf(info),
    suppressed: new Set(),
    constraints: undefined,
    streamId: undefined,
    recovered,
    registeredAt: cluster.now.wall,
    reregisteredAt: undefined,
    removeAt: undefined,
    offeredAgainAt: Number.NEGATIVE_INFINITY,
    offers: new Set(),
    hosts: new Set(),
    questions: new Questions(),
  }
  cluster.frameworks.set(framework.id, framework)
  cluster.allocator.addFramework(framework.id, allocatorView(framework))
  return framework
}

/**
 * A framework that an agent reports. It appears as recovered until it subscribes (Mesos contract 7.9); what is known better of it
 * the agent is told.
 */
export function recoverFramework(cluster: Cluster, agent: Agent, info: FrameworkInfo): void {
  const id = info.id?.value
  if (id === undefined || cluster.completed.has(id)) return
  const known = cluster.frameworks.get(id)
  if (!known) {
    const framework = addFramework(cluster, info, true)
    framework.removeAt = recoveredUntil(cluster, info)
    cluster.showFramework(framework, true)
  } else if (!known.recovered && canonical(known.info) !== canonical(info)) tellAgent(cluster, agent, known)
}

const refusalIn = (compiled: unknown) => (typeof compiled === 'string' ? compiled : undefined)

/**
 * When a framework that does not come to a new leader is given up, counted from the election. Those that want no time to fail over get
 * what agents get: they too have to find out first who leads.
 */
function recoveredUntil({ recoveredAt, config }: Cluster, { failover_timeout: seconds = 0 }: FrameworkInfo): number {
  return recoveredAt + Math.max(seconds * 1000, config.agentReregisterTimeout)
}

function applyInfo(
  cluster: Cluster,
  framework: Framework,
  info: FrameworkInfo,
  suppressed: readonly string[],
  constraints: Framework['constraints'],
): void {
  // Of a recovered one the agents may have told different things.
  if (framework.recovered || canonical(framework.info) !== canonical(info)) cluster.untold.add(framework)
  framework.info = info
  framework.capabilities = capabilitiesOf(info)
  framework.roles = rolesOf(info)
  framework.suppressed = new Set(suppressed)
  framework.constraints = constraints
  cluster.allocator.updateFramework(framework.id, allocatorView(framework))
}

const allocatorView = ({ info, capabilities, roles, suppressed, constraints }: Framework) => ({
  info,
  capabilities,
  roles,
  suppressed,
  constraints,
})

/** UPDATE_FRAMEWORK (Mesos contract 2.2). */
export function updateFramework(
  cluster: Cluster,
  framework: Framework,
  request: number,
  call: SchedulerCallUpdateFramework,
  principal: string | undefined,
): void {
  const { framework_info: asked, suppressed_roles: suppressed = [], offer_constraints } = call
  const info: FrameworkInfo = { ...withPrincipal(asked, principal), id: { value: framework.id } }
  const roles = rolesOf(info)
  const constraints = offer_constraints && OfferConstraints.compile(offer_constraints, roles, cluster.config.patterns)
  const refusal =
    checkFrameworkInfo(info, cluster.config) ??
    checkSuppressed(suppressed, roles) ??
    refusalIn(constraints) ??
    changedForEver(framework.info, info)
  if (refusal !== undefined) {
    cluster.reply(request, 400, refusal)
    return
  }
  const denied = rolesRefusal(cluster, info)
  if (denied !== undefined) {
    cluster.reply(request, 403, denied)
    return
  }
  const removed = new Set(framework.roles.filter(role => !roles.includes(role)))
  rescindOffers(
    cluster,
    [...framework.offers].filter(offer => removed.has(offer.role)),
  )
  const revived = [...framework.suppressed].filter(role => roles.includes(role) && !suppressed.includes(role))
  applyInfo(cluster, framework, info, suppressed, constraints as Framework['constraints'])
  if (revived.length > 0) cluster.allocator.revive(framework.id, revived)
  cluster.showFramework(framework, false)
  cluster.reply(request, 200)
  cluster.wantAllocation()
}

function changedForEver(before: FrameworkInfo, after: FrameworkInfo): string | undefined {
  for (const field of ['user', 'checkpoint', 'principal'] as const) {
    const unset = field === 'checkpoint' ? false : undefined
    if ((before[field] ?? unset) !== (after[field] ?? unset))
      return `update_framework.framework_info.${field}: can not be changed by UPDATE_FRAMEWORK`
  }
  return undefined
}
