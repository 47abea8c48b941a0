import { decommission, drainOf } from '../lifecycle.ts'
import type { Millis } from '../model.ts'
import type { PathId } from '../paths.ts'
import { doneRecord, failureRecord } from '../records.ts'
import type { State } from '../state.ts'
import { isSettled, roll, scale } from './converge.ts'
import type { Deployment } from './deployment.ts'
import { type Action, actionName, type Step } from './plan.ts'

/** How often a deployment is looked at though nothing was heard (contract 11). */
const syncInterval = 5_000

export const stepView = (step: Step): { actions: Record<string, unknown>[] } => ({
  actions: step.map(action => ({ action: actionName(action), [action.service]: action.id })),
})

export const planView = (deployment: Pick<Deployment, 'id' | 'version' | 'steps'>): Record<string, unknown> => ({
  id: deployment.id,
  version: deployment.version,
  steps: deployment.steps.map(stepView),
})

export function startDeployment(state: State, deployment: Deployment, now: Millis): void {
  state.deployments.set(deployment.id, deployment)
  for (const id of deployment.affected) {
    state.lockedBy.set(id, deployment.id)
    state.touchService(id)
  }
  announceStep(state, deployment, now)
  advance(state, deployment, now)
}

function announceStep(state: State, deployment: Deployment, now: Millis): void {
  state.touch('deployment', deployment.id)
  for (const id of deployment.affected) state.touch('wait', id)
  const step = deployment.steps[deployment.current]
  if (step !== undefined)
    state.event(now, 'deployment_info', { plan: planView(deployment), currentStep: stepView(step) })
}

/**
 * Does what can be done now. A deployment that is not finished is looked at again each 5 s, and when one of its services
 * changes: then at the action of this one only.
 */
export function advance(state: State, deployment: Deployment, now: Millis, changed?: PathId): void {
  let only = changed
  // The numbers of its reason to wait have changed with it.
  if (changed !== undefined) state.touch('wait', changed)
  for (
    let step = deployment.steps[deployment.current];
    step !== undefined;
    step = deployment.steps[deployment.current]
  ) {
    for (const action of step) {
      if (deployment.ended.has(action.id) || (only !== undefined && action.id !== only)) continue
      if (act(state, deployment, action, now)) {
        deployment.ended.add(action.id)
        state.touch('deployment', deployment.id)
      }
    }
    only = undefined
    if (deployment.ended.size < step.length) {
      state.deadlines.setSooner(`sync:${deployment.id}`, now + syncInterval)
      return
    }
    state.event(now, 'deployment_step_success', { plan: planView(deployment), currentStep: stepView(step) })
    deployment.current += 1
    deployment.begun.clear()
    deployment.ended.clear()
    announceStep(state, deployment, now)
  }
  state.event(now, 'deployment_success', { id: deployment.id, plan: planView(deployment) })
  close(state, deployment, 'success')
}

function close(state: State, deployment: Deployment, outcome: string): void {
  state.deployments.delete(deployment.id)
  state.deadlines.clear(`sync:${deployment.id}`)
  for (const id of deployment.affected) {
    if (state.lockedBy.get(id) === deployment.id) state.lockedBy.delete(id)
    state.touchService(id)
    state.touch('wait', id)
    state.reviews.add(id)
  }
  state.touch('deployment', deployment.id)
  if (deployment.steps.length > 0) state.write(doneRecord(deployment.seq, outcome))
}

/** Ends a deployment where it stands; its instances stay as they are. */
export function cancel(state: State, deployment: Deployment, now: Millis): void {
  state.event(now, 'deployment_failed', {
    id: deployment.id,
    plan: planView(deployment),
    reason: 'The upgrade has been cancelled',
  })
  close(state, deployment, 'cancelled')
}

function act(state: State, deployment: Deployment, action: Action, now: Millis): boolean {
  const first = !deployment.begun.has(action.id)
  if (action.kind === 'Stop') return stop(state, action, now)
  const service = state.root.services.get(action.id)
  if (action.kind === 'Start' || service === undefined) return true
  if (!isSettled(state, action.id)) return false
  deployment.begun.add(action.id)
  if (first && action.kind === 'Restart' && state.backoff.reset(service)) state.wantsOffers.add(action.id)
  if (first && action.kind === 'Scale') {
    for (const id of action.kill ?? []) {
      const victim = state.instances.get(id)
      if (victim !== undefined) decommission(state, victim, now, drainOf(state, victim))
    }
  }
  return action.kind === 'Restart' ? roll(state, service, now) : scale(state, service, now)
}

function stop(state: State, action: Action, now: Millis): boolean {
  for (const instance of state.instancesOf(action.id))
    if (instance.goal !== 'Decommissioned') decommission(state, instance, now, 0)
  if (state.instancesOf(action.id).length > 0) return false
  if (state.failures.delete(action.id)) state.write(failureRecord(action.id, undefined))
  state.backoff.prune((id, _config) => id !== action.id)
  if (action.service === 'app') state.event(now, 'app_terminated_event', { appId: action.id })
  return true
}
