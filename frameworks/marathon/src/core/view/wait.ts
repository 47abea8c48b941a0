import type { Instance } from '../instance.ts'
import { firstReason, type QueueEntry } from '../launch/queue.ts'
import { type RejectReason, rejectReasons } from '../launch/reason.ts'
import { unlaunchable } from '../launch/unlaunchable.ts'
import type { Millis, Service } from '../model.ts'
import { instancesOf, isResident, upgradeOf } from '../service.ts'
import type { State } from '../state.ts'
import { iso } from './task.ts'

/** Why something waits: a code, one sentence with the numbers compared, and the agents by reason. */
export interface Wait {
  readonly code: string
  readonly sentence: string
  readonly since: string
  /** Instances that wait. */
  readonly count: number
  readonly agents?: readonly {
    readonly reason: string
    readonly count: number
    readonly numbers: Record<string, unknown>
  }[]
}

/** What is launched within this time has not waited. */
const patience = 1_000

export function waitView(state: State, id: string, now: Millis): Wait | undefined {
  const service = state.root.services.get(id)
  if (service === undefined) return undefined
  return waitForLaunch(state, service, now) ?? waitForDeployment(state, service)
}

function waitForLaunch(state: State, service: Service, now: Millis): Wait | undefined {
  const { id } = service.spec
  const entry = state.queue.get(id)
  const count = state.pending.get(id)?.size ?? 0
  if (entry === undefined || count === 0 || now - entry.since < patience) return undefined
  const since = iso(entry.since)
  const impossible = unlaunchable(service)
  if (impossible !== undefined) return { ...impossible, since, count }
  if (!state.connected)
    return {
      code: 'NO_MASTER',
      sentence: 'there is no connection to a master; it launches when one is found',
      since,
      count,
    }
  const until = state.backoff.until(service, now)
  if (until !== undefined) {
    const failure = state.failures.get(id)
    const because =
      failure === undefined
        ? 'its task ended'
        : `its last task ended ${failure.state}: ${failure.message || 'no message'}`
    return { code: 'BACKOFF', sentence: `${because}; the next launch is at ${iso(until)}`, since, count }
  }
  if (state.launchTokens <= 0)
    return {
      code: 'LAUNCH_RATE',
      sentence: `more than ${state.settings.launchTokens} launches were asked for in 30 s; the rest follow`,
      since,
      count,
    }
  if (entry.last.size === 0)
    return { code: 'NO_OFFERS', sentence: 'no agent has offered resources since it began to wait', since, count }
  return { ...explainRefusals(entry), since, count }
}

interface Tally {
  count: number
  needs?: number | string
  best?: number | string
}

function explainRefusals(entry: QueueEntry): Pick<Wait, 'code' | 'sentence' | 'agents'> {
  const tallies = new Map<RejectReason, Tally>()
  for (const { rejects } of entry.last.values()) {
    const first = firstReason(rejects)
    const reject = rejects.find(one => one.reason === first)
    if (first === undefined || reject === undefined) continue
    const tally = tallies.get(first) ?? { count: 0 }
    tally.count += 1
    if (reject.needs !== undefined) tally.needs = reject.needs
    if (tally.best === undefined || Number(reject.has) > Number(tally.best)) tally.best = reject.has ?? 'none'
    tallies.set(first, tally)
  }
  const sorted = [...tallies].sort(
    ([a, x], [b, y]) => y.count - x.count || rejectReasons.indexOf(a) - rejectReasons.indexOf(b),
  )
  const [main] = sorted
  if (main === undefined) return { code: 'NO_OFFERS', sentence: 'no agent has offered resources that could be used' }
  return {
    code: codes[main[0]],
    sentence: wording(main[0], main[1], entry.last.size),
    agents: sorted.map(([reason, tally]) => ({
      reason,
      count: tally.count,
      numbers: { needs: tally.needs, best: tally.best },
    })),
  }
}

const codes: Readonly<Record<RejectReason, string>> = {
  UnfulfilledRole: 'ROLE',
  UnfulfilledConstraint: 'CONSTRAINT',
  NoCorrespondingReservationFound: 'RESERVATION',
  AgentMaintenance: 'MAINTENANCE',
  InsufficientCpus: 'INSUFFICIENT_CPUS',
  InsufficientMemory: 'INSUFFICIENT_MEM',
  InsufficientDisk: 'INSUFFICIENT_DISK',
  InsufficientGpus: 'INSUFFICIENT_GPUS',
  InsufficientPorts: 'INSUFFICIENT_PORTS',
  DeclinedScarceResources: 'SCARCE_RESOURCES',
}

const scalarNames: Partial<Record<RejectReason, string>> = {
  InsufficientCpus: 'cpus',
  InsufficientMemory: 'mem (MiB)',
  InsufficientDisk: 'disk (MiB)',
  InsufficientGpus: 'gpus',
}

const agentsText = (count: number): string => (count === 1 ? 'the only agent' : `the best of ${count} agents`)

function wording(reason: RejectReason, tally: Tally, agents: number): string {
  const scalar = scalarNames[reason]
  if (scalar !== undefined) return `${scalar}: needs ${tally.needs}, ${agentsText(agents)} has ${tally.best}`
  switch (reason) {
    case 'InsufficientPorts':
      return typeof tally.needs === 'string'
        ? `ports: needs ${tally.needs}, which ${tally.count} of ${agents} agents have not free`
        : `ports: needs ${tally.needs}, ${agentsText(agents)} has ${tally.best}`
    case 'UnfulfilledConstraint':
      return `constraint ${tally.needs}: ${tally.count} of ${agents} agents do not fulfil it`
    case 'UnfulfilledRole':
      return `role: needs offers for ${tally.needs}, got them for ${tally.best}`
    case 'AgentMaintenance':
      return `${tally.count} of ${agents} agents are in maintenance or about to be`
    case 'DeclinedScarceResources':
      return `${tally.count} of ${agents} agents keep their GPUs for those who need them`
    default:
      return `${reason}: ${tally.count} of ${agents} agents`
  }
}

/** In a deployment: what the step it is in waits for, or which services come before. */
function waitForDeployment(state: State, service: Service): Wait | undefined {
  const { id } = service.spec
  const deployment = state.deployments.get(state.lockedBy.get(id) ?? '')
  const step = deployment?.steps[deployment.current]
  if (deployment === undefined || step === undefined) return undefined
  const { version: since } = deployment
  const action = step.find(one => one.id === id)
  if (action === undefined) {
    const later = deployment.steps.slice(deployment.current + 1).some(some => some.some(one => one.id === id))
    const before = step.filter(one => !deployment.ended.has(one.id)).map(one => one.id)
    if (!later || before.length === 0) return undefined
    return {
      code: 'DEPENDENCY',
      sentence: `waits for ${before.slice(0, 5).join(', ')}, deployed before it`,
      since,
      count: instancesOf(service),
    }
  }
  if (deployment.ended.has(id)) return undefined
  const instances = state.instancesOf(id)
  const unhealthy = instances.filter(
    one => one.goal === 'Running' && one.condition === 'Running' && !state.servesWell(one),
  )
  if (unhealthy.length > 0) return { ...healthSentence(state, service, unhealthy), since, count: unhealthy.length }
  const unready = instances.filter(one => one.goal === 'Running' && state.servesWell(one) && !state.isReady(one))
  if (unready.length > 0)
    return {
      code: 'NOT_READY',
      sentence: `${unready.length} of ${instancesOf(service)} instances have not passed the readiness check`,
      since,
      count: unready.length,
    }
  const leaving = instances.filter(one => one.goal !== 'Running')
  if (leaving.length > 0)
    return { code: 'ENDING', sentence: `${leaving.length} old instances are ending`, since, count: leaving.length }
  return isResident(service)
    ? { code: 'RESIDENT', sentence: 'its instances are replaced one by one', since, count: 1 }
    : undefined
}

function healthSentence(
  state: State,
  service: Service,
  unhealthy: readonly Instance[],
): { code: string; sentence: string } {
  const cause = unhealthy
    .flatMap(one => state.health.get(one.id) ?? [])
    .find(record => record?.lastFailureCause !== undefined)?.lastFailureCause
  const running = unhealthy.length === 1 ? '1 running instance is' : `${unhealthy.length} running instances are`
  const minimum = Math.ceil(instancesOf(service) * upgradeOf(service).minimumHealthCapacity)
  return {
    code: 'NOT_HEALTHY',
    sentence: `${running} not healthy yet (of ${instancesOf(service)} wanted, at least ${minimum} must be)${cause === undefined ? '' : `: ${cause}`}`,
  }
}
