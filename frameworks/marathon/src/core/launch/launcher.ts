import type { Offer, OfferOperation, TaskInfo } from '@meseta/common/protocol/mesos'
import { isCurrent, mayRun, type Placement } from '../instance.ts'
import { announceInstance, restartDelay } from '../lifecycle.ts'
import type { Millis, Service } from '../model.ts'
import type { PathId } from '../paths.ts'
import { constraintsOf, instancesOf } from '../service.ts'
import { reviveBurst, type State } from '../state.ts'
import { fieldValue, placementOf } from './attributes.ts'
import { buildLaunch } from './build.ts'
import { type MatchContext, matchOffer } from './match.ts'
import { Pool } from './pool.ts'
import { unlaunchable } from './unlaunchable.ts'

/** Agents that offers have told of, for GROUP_BY without a number; at the bound the oldest leaves. */
const maxAgents = 50_000

/** Puts waiting instances on offers, and gives back the rest (contract 12). */
export function handleOffers(state: State, offers: readonly Offer[], now: Millis): void {
  const unused = new Map<string, number>()
  for (const offer of offers) {
    const placement = placementOf(offer)
    state.agents.delete(placement.agentId)
    state.agents.set(placement.agentId, placement)
    if (state.agents.size > maxAgents) state.agents.delete(state.agents.keys().next().value as string)
    if (!useOffer(state, offer, placement, now)) unused.set(offer.id.value, state.settings.declineFor)
  }
  if (unused.size > 0)
    state.emit({
      type: 'call',
      call: { kind: 'decline', offerIds: [...unused.keys()], refuseSeconds: state.settings.declineFor / 1000 },
    })
}

/** Whether an instance of it may be launched now. */
export function isLaunchable(state: State, service: Service | undefined, now: Millis): service is Service {
  return service !== undefined && unlaunchable(service) === undefined && state.backoff.until(service, now) === undefined
}

/** Round after round one instance of each service that waits, until nothing fits or the bound for one offer is reached. */
function useOffer(state: State, offer: Offer, placement: Placement, now: Millis): boolean {
  const pool = new Pool(offer.resources ?? [])
  const tasks: TaskInfo[] = []
  const groups: OfferOperation[] = []
  let waiting = waitingServices(state, now)
  let launched = 0
  while (waiting.length > 0) {
    const again: Service[] = []
    for (const service of waiting) {
      if (launched >= state.settings.maxInstancesPerOffer || state.launchTokens <= 0) break
      const launch = launchOne(state, service, offer, placement, pool, now)
      if (launch === undefined) continue
      launched += 1
      if (launch.task !== undefined) tasks.push(launch.task)
      if (launch.group !== undefined) groups.push(launch.group)
      again.push(service)
    }
    waiting = again
  }
  if (launched === 0) return false
  const operations: OfferOperation[] =
    tasks.length > 0 ? [{ type: 'LAUNCH', launch: { task_infos: tasks } }, ...groups] : groups
  const more = waitingServices(state, now).length > 0
  const refuseSeconds = more ? 0 : state.settings.declineFor / 1000
  state.emit({ type: 'call', call: { kind: 'accept', offerIds: [offer.id.value], operations, refuseSeconds } })
  return true
}

const waitingServices = (state: State, now: Millis): Service[] =>
  [...state.pending.keys()].map(id => state.root.services.get(id)).filter(service => isLaunchable(state, service, now))

function launchOne(state: State, service: Service, offer: Offer, placement: Placement, pool: Pool, now: Millis) {
  const { id } = service.spec
  const next = state.pending.get(id)?.values().next().value
  const instance = next === undefined ? undefined : state.instances.get(next)
  if (instance === undefined) return undefined
  const match = matchOffer(service, offer, placement, pool, matchContext(state, service, now))
  if (Array.isArray(match) || !('hostPorts' in match)) {
    state.queue.refused(id, offer, match as Extract<typeof match, readonly unknown[]>, now)
    state.touch('wait', id)
    return undefined
  }
  const launch = buildLaunch(state, service, instance, match, pool, now)
  state.put(launch.instance)
  state.launchTokens -= 1
  state.queue.used(id, now)
  restartDelay(state, service, now)
  state.deadlines.set(`launch:${instance.id}`, now + state.settings.taskLaunchTimeout)
  announceInstance(state, launch.instance, now)
  return launch
}

function matchContext(state: State, service: Service, now: Millis): MatchContext {
  const placed: Placement[] = []
  for (const instance of constraintsOf(service).length === 0 ? [] : state.instancesOf(service.spec.id))
    if (instance.placement !== undefined && mayRun(instance) && isCurrent(instance, service))
      placed.push(instance.placement)
  return {
    placed,
    instances: instancesOf(service),
    distinct: field => new Set([...state.agents.values()].map(agent => fieldValue(field, agent))).size,
    now,
    settings: state.settings,
    homeRegion: state.homeRegion,
    draw: () => state.random.next(),
  }
}

/** Opens and closes the books of waiting services, and asks for offers where they are wanted, or for none. */
export function balanceDemand(state: State, now: Millis): void {
  for (const id of state.wantsOffers) openQueue(state, id, now)
  for (const id of state.queue.ids())
    if (!state.pending.has(id)) {
      state.queue.close(id)
      state.touch('wait', id)
    }
  if (!state.connected) return
  const roles = new Set<string>()
  for (const id of state.wantsOffers) {
    const service = state.root.services.get(id)
    if (service === undefined || !state.pending.has(id)) continue
    const until = state.backoff.until(service, now)
    if (until !== undefined) state.deadlines.set(`backoff:${id}`, until)
    else if (isLaunchable(state, service, now)) roles.add(service.spec.role)
  }
  if (roles.size > 0 && revive(state, roles, now)) state.wantsOffers.clear()
  else if (roles.size === 0) state.wantsOffers.clear()
  suppressIdle(state, now)
}

function openQueue(state: State, id: PathId, now: Millis): void {
  if (!state.pending.has(id) || state.queue.get(id) !== undefined) return
  state.queue.open(id, now)
  state.deadlines.set(`wait:${id}`, now + 1_000)
}

/** Revives are bounded in number; where there is none left it is tried again when there is. */
function revive(state: State, roles: ReadonlySet<string>, now: Millis): boolean {
  const { reviveInterval } = state.settings
  const earned = Math.floor((now - state.reviveCounted) / reviveInterval)
  if (earned > 0) {
    state.reviveTokens = Math.min(reviveBurst, state.reviveTokens + earned)
    state.reviveCounted += earned * reviveInterval
  }
  if (state.reviveTokens <= 0) {
    state.deadlines.set('revive', state.reviveCounted + reviveInterval)
    return false
  }
  state.reviveTokens -= 1
  for (const role of roles) state.suppressed.delete(role)
  state.emit({ type: 'call', call: { kind: 'revive', roles: [...roles] } })
  return true
}

function suppressIdle(state: State, now: Millis): void {
  const wanted = new Set(waitingServices(state, now).map(service => service.spec.role))
  const idle = state.roles().filter(role => !wanted.has(role) && !state.suppressed.has(role))
  if (idle.length === 0) return
  for (const role of idle) state.suppressed.add(role)
  state.emit({ type: 'call', call: { kind: 'suppress', roles: idle } })
}
