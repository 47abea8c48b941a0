import type { Random } from '@meseta/common/service/random'
import { handleCancel, handleChange } from './change/commit.ts'
import { isSettled, scale } from './deploy/converge.ts'
import { advance } from './deploy/executor.ts'
import type { Command, Effect } from './effects.ts'
import { notFound } from './errors.ts'
import { handleHealthResult } from './health-kill.ts'
import { type Instance, isUnreachable, mayRun } from './instance.ts'
import { balanceDemand, handleOffers } from './launch/launcher.ts'
import { decommission, handleStatus, orderKill, reviewUnreachable, sendKill } from './lifecycle.ts'
import type { Millis, Settings } from './model.ts'
import type { PathId } from './paths.ts'
import { frameworkRecord } from './records.ts'
import { State } from './state.ts'

/** Launch tokens come back each 30 s; reconciliation runs each 600 s, and 15 s after a start for what was not answered (contract 12, 13). */
const tokenPeriod = 30_000
const reconcilePeriod = 600_000
const reconcileAgain = 15_000
/** An agent that has not told of a loaded instance by then is taken to have nothing to tell. */
const settleLimit = 60_000
const reconcileBatch = 1_000

/**
 * What decides in Marathon: commands and the time in, effects out. It holds all state, and reads no clock, no socket, no
 * store. Effects that must wait for what is stored are named in effects.ts.
 */
export class Heart {
  readonly state: State

  constructor(settings: Settings, random: Random) {
    this.state = new State(settings, random)
  }

  step(now: Millis, commands: readonly Command[]): Effect[] {
    const { state } = this
    for (const command of commands) this.#handle(command, now)
    for (const key of state.deadlines.due(now)) this.#due(key, now)
    this.#review(now)
    balanceDemand(state, now)
    return state.finish()
  }

  #handle(command: Command, now: Millis): void {
    const { state } = this
    switch (command.type) {
      case 'change':
        handleChange(state, command, now)
        break
      case 'cancel-deployment':
        handleCancel(state, command, now)
        break
      case 'kill':
        this.#kill(command, now)
        break
      case 'reset-delay':
        this.#resetDelay(command.call, command.id)
        break
      case 'subscribed':
        this.#subscribed(command, now)
        break
      case 'disconnected':
        state.connected = false
        state.touch('info', 'info')
        state.event(now, 'scheduler_disconnected_event', {})
        break
      case 'offers':
        handleOffers(state, command.offers, now)
        break
      case 'status':
        handleStatus(state, command.status, now)
        break
      case 'agent-lost':
        if (state.agents.delete(command.agentId)) for (const id of state.pending.keys()) state.wantsOffers.add(id)
        break
      case 'message':
        state.event(now, 'framework_message_event', {
          executorId: command.executorId,
          slaveId: command.agentId,
          message: command.data,
        })
        break
      case 'health':
        handleHealthResult(state, command.instance, command.taskId, command.result, now)
        break
      case 'readiness': {
        const instance = state.instances.get(command.instance)
        if (instance?.tasks.some(task => task.id === command.taskId) !== true) break
        state.ready.set(instance.id, command.result)
        state.touchInstance(instance)
        state.reviews.add(instance.service)
        break
      }
      case 'tick':
    }
  }

  #due(key: string, now: Millis): void {
    const { state } = this
    const at = key.indexOf(':')
    const kind = at === -1 ? key : key.slice(0, at)
    const id = key.slice(at + 1)
    switch (kind) {
      case 'kill':
        sendKill(state, id, now)
        break
      case 'launch':
        this.#launchLimit(id, now)
        break
      case 'unreachable':
        reviewUnreachable(state, id, now)
        break
      case 'backoff':
        state.wantsOffers.add(id)
        state.touch('wait', id)
        break
      case 'wait':
        state.touch('wait', id)
        break
      case 'sync': {
        const deployment = state.deployments.get(id)
        if (deployment === undefined) break
        for (const one of deployment.affected) state.touch('wait', one)
        advance(state, deployment, now)
        break
      }
      case 'tokens':
        this.#refillTokens(now)
        break
      case 'reconcile':
        this.#reconcile(now, false)
        break
      case 'reconcile-rest':
        this.#reconcileRest(now)
        break
      case 'settle':
        for (const one of state.awaiting) this.#reviewOf(one)
        state.awaiting.clear()
        break
      default: // 'revive': demand is balanced at the end of each step
    }
  }

  #reviewOf(instance: string): void {
    const known = this.state.instances.get(instance)
    if (known !== undefined) this.state.reviews.add(known.service)
  }

  /** Services that changed: their deployment goes on, or their number is put right (contract 13, scale check). */
  #review(now: Millis): void {
    const { state } = this
    for (let round = 0; state.reviews.size > 0 && round < 100; round += 1) {
      const ids = [...state.reviews]
      state.reviews.clear()
      for (const id of ids) this.#reviewService(id, now)
    }
  }

  #reviewService(id: PathId, now: Millis): void {
    const { state } = this
    const lock = state.lockedBy.get(id)
    const deployment = lock === undefined ? undefined : state.deployments.get(lock)
    if (deployment !== undefined) {
      advance(state, deployment, now, id)
      return
    }
    const service = state.root.services.get(id)
    if (service !== undefined) {
      if (isSettled(state, id)) scale(state, service, now)
      return
    }
    for (const instance of state.instancesOf(id))
      if (instance.goal === 'Running' || !mayRun(instance)) decommission(state, instance, now, 0)
  }

  #subscribed(command: Extract<Command, { type: 'subscribed' }>, now: Millis): void {
    const { state } = this
    const known = state.frameworkId === command.frameworkId
    if (!known) state.write(frameworkRecord(command.frameworkId))
    state.frameworkId = command.frameworkId
    state.homeRegion = command.region
    state.connected = true
    state.suppressed.clear()
    for (const id of state.pending.keys()) state.wantsOffers.add(id)
    state.touch('info', 'info')
    if (known) state.event(now, 'scheduler_reregistered_event', { master: command.master })
    else state.event(now, 'scheduler_registered_event', { frameworkId: command.frameworkId, master: command.master })
    this.#reconcile(now, true)
    state.deadlines.set('reconcile-rest', now + reconcileAgain)
    state.deadlines.set('settle', now + settleLimit)
    for (const id of state.kills.keys())
      state.deadlines.set(`kill:${id}`, Math.max(now, state.kills.get(id)?.due ?? now))
    state.killsSent.clear()
    this.#refillTokens(now)
  }

  #refillTokens(now: Millis): void {
    const { state } = this
    if (state.launchTokens < state.settings.launchTokens) {
      state.launchTokens = state.settings.launchTokens
      for (const id of state.pending.keys()) state.wantsOffers.add(id)
    }
    state.deadlines.set('tokens', now + tokenPeriod)
  }

  /**
   * Asks for the state of all that was launched, and for what the master knows beside (contract 13). In the middle of a
   * session an ACCEPT may still be under way: what it launches is not asked for, or it would be told to be unknown.
   */
  #reconcile(now: Millis, fresh: boolean): void {
    const underWay = (instance: Instance): boolean =>
      !fresh && instance.condition === 'Provisioned' && now - (instance.stagedAt ?? instance.since) < settleLimit
    const launched = [...this.state.instances.values()].filter(instance => mayRun(instance) && !underWay(instance))
    this.#ask(launched)
    this.state.emit({ type: 'call', call: { kind: 'reconcile', tasks: [] } })
    this.state.deadlines.set('reconcile', now + reconcilePeriod)
  }

  #reconcileRest(now: Millis): void {
    const { state } = this
    if (state.awaiting.size === 0 || !state.connected) return
    this.#ask([...state.awaiting].map(id => state.instances.get(id)).filter(instance => instance !== undefined))
    state.deadlines.set('reconcile-rest', now + reconcileAgain)
  }

  #ask(instances: readonly Instance[]): void {
    const tasks = instances.flatMap(instance =>
      instance.tasks.map(task => ({
        taskId: task.id,
        ...(instance.placement && { agentId: instance.placement.agentId }),
      })),
    )
    for (let at = 0; at < tasks.length; at += reconcileBatch)
      this.state.emit({ type: 'call', call: { kind: 'reconcile', tasks: tasks.slice(at, at + reconcileBatch) } })
  }

  /** Launched and not running for too long: its task is ended, and it is launched again (contract 13). */
  #launchLimit(id: string, now: Millis): void {
    const instance = this.state.instances.get(id)
    if (instance === undefined || !['Provisioned', 'Staging', 'Starting'].includes(instance.condition)) return
    orderKill(this.state, instance, now, 0)
  }

  #kill(command: Extract<Command, { type: 'kill' }>, now: Millis): void {
    const { state } = this
    for (const id of command.instances) {
      const instance = state.instances.get(id)
      if (instance === undefined) continue
      if (command.wipe || isUnreachable(instance.condition)) decommission(state, instance, now, 0)
      else if (mayRun(instance)) orderKill(state, instance, now, 0)
    }
    state.emit({ type: 'answer', call: command.call, answer: { ok: true, version: state.root.version, created: [] } })
  }

  #resetDelay(call: number, id: PathId): void {
    const { state } = this
    const service = state.root.services.get(id)
    if (service === undefined || !state.pending.has(id)) {
      const refusal = service === undefined ? notFound('App', id) : notFound('App', `${id} in the launch queue`)
      state.emit({ type: 'answer', call, answer: { ok: false, refusal } })
      return
    }
    state.backoff.reset(service)
    state.wantsOffers.add(id)
    state.touch('wait', id)
    state.emit({ type: 'answer', call, answer: { ok: true, version: state.root.version, created: [] } })
  }
}
