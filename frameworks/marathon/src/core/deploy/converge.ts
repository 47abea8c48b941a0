import { type Instance, isCurrent, isUnreachable, mayRun } from '../instance.ts'
import { selectVictims } from '../kill-selection.ts'
import { decommission, drainOf, spawn } from '../lifecycle.ts'
import type { Millis, Service } from '../model.ts'
import { instancesOf, isResident, upgradeOf } from '../service.ts'
import type { State } from '../state.ts'
import { rollingStep } from './rolling.ts'

/** Whether it counts towards the number wanted. */
const isCandidate = (instance: Instance): boolean =>
  instance.goal === 'Running' && instance.condition !== 'UnreachableInactive'

/** Whether something that is to go is still there. Where the agent is unreachable nothing is waited for. */
const isLeaving = (instance: Instance): boolean =>
  instance.goal !== 'Running' && mayRun(instance) && !isUnreachable(instance.condition)

/** Of an instance whose state has not been learnt yet, nothing is decided. */
export const isSettled = (state: State, id: string): boolean =>
  state.awaiting.size === 0 || !state.instancesOf(id).some(instance => state.awaiting.has(instance.id))

/** Starts or ends instances so that as many run as are wanted (contract 11, Scale). Answers whether they do, healthy and ready. */
export function scale(state: State, service: Service, now: Millis): boolean {
  const target = instancesOf(service)
  const all = state.instancesOf(service.spec.id)
  const candidates = all.filter(isCandidate)
  const surplus = candidates.length - target
  if (surplus > 0)
    end(
      state,
      selectVictims(service, candidates, surplus, one => state.servesWell(one)),
      now,
    )
  for (let missing = -surplus; missing > 0; missing -= 1) spawn(state, service, now)
  if (surplus !== 0) return target === 0 && state.instancesOf(service.spec.id).length === 0
  if (all.some(isLeaving)) return false
  return candidates.every(instance => state.servesWell(instance) && state.isReady(instance))
}

function end(state: State, victims: readonly Instance[], now: Millis): void {
  for (const victim of victims) decommission(state, victim, now, drainOf(state, victim))
}

/** Replaces instances of older configurations (contract 11, Restart). Answers whether it is done. */
export function roll(state: State, service: Service, now: Millis): boolean {
  const wanted = instancesOf(service)
  const candidates = state.instancesOf(service.spec.id).filter(isCandidate)
  const old = candidates.filter(instance => !isCurrent(instance, service))
  const fresh = candidates.filter(instance => isCurrent(instance, service))
  if (fresh.length > wanted)
    end(
      state,
      selectVictims(service, fresh, fresh.length - wanted, one => state.servesWell(one)),
      now,
    )
  const good = fresh.filter(instance => state.servesWell(instance) && state.isReady(instance))
  const step = rollingStep({
    wanted,
    ...upgradeOf(service),
    resident: isResident(service),
    old: old.length,
    oldHealthy: old.filter(instance => state.servesWell(instance)).length,
    oldUnhealthy: old.filter(instance => isUseless(state, instance)).length,
    started: Math.min(wanted, fresh.length),
    newHealthy: Math.min(wanted, good.length),
    leaving: state.instancesOf(service.spec.id).filter(isLeaving).length,
  })
  end(state, worstFirst(state, service, old).slice(0, step.kill), now)
  for (let count = 0; count < step.start; count += 1) spawn(state, service, now)
  const all = state.instancesOf(service.spec.id)
  return old.length === 0 && fresh.length === wanted && good.length === wanted && !all.some(isLeaving)
}

/** Known to serve no one: it does not run, or a check has failed. */
const isUseless = (state: State, instance: Instance): boolean =>
  instance.condition !== 'Running' || state.healthyOf(instance) === false

function worstFirst(state: State, service: Service, old: readonly Instance[]): Instance[] {
  const useless = old.filter(instance => isUseless(state, instance))
  const rest = old.filter(instance => !isUseless(state, instance))
  const order = (some: Instance[]): Instance[] =>
    selectVictims(service, some, some.length, one => state.servesWell(one))
  return [...order(useless), ...order(rest)]
}
