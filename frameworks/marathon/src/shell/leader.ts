import type { FeedWriter } from '@meseta/common/feed/writer'
import type { FrameworkInfo, SchedulerEvent } from '@meseta/common/protocol/mesos'
import type { Clock, Timer } from '@meseta/common/service/clock'
import type { Context } from '@meseta/common/service/component'
import type { Health } from '@meseta/common/service/health'
import type { Random } from '@meseta/common/service/random'
import {
  type Call,
  type Connect,
  createScheduler,
  type MasterSource,
  type OwnCredential,
  type Scheduler,
} from '@meseta/sdk/framework'
import type { Change } from '../core/change/change.ts'
import type { Answer, Client, Command, Effect, MasterCall } from '../core/effects.ts'
import { Refusal } from '../core/errors.ts'
import { Heart } from '../core/heart.ts'
import { load } from '../core/load.ts'
import type { Settings } from '../core/model.ts'
import type { State } from '../core/state.ts'
import { feedBody } from '../core/view/feed.ts'
import { instanceFeedViews } from '../core/view/task.ts'
import { Checker } from './checker.ts'
import type { EventHub } from './event-hub.ts'
import type { Records } from './records.ts'

export interface LeaderOptions {
  readonly settings: Settings
  readonly records: Records
  readonly clock: Clock
  readonly random: Random
  readonly log: Context<unknown>['log']
  readonly health: Health
  readonly feed: FeedWriter
  readonly events: EventHub
  readonly master: string | MasterSource
  readonly framework: Omit<FrameworkInfo, 'roles' | 'id'>
  /** How it proves to masters who it is. */
  readonly credential?: OwnCredential | undefined
  readonly connect?: Connect
  /** What the feed's `info` says beside the connection. */
  readonly info: { readonly leader: string; readonly version: string }
  failed(error: Error): void
}

/** Requests that may wait for the store at a time; one more gets 503. */
const maxCalls = 5_000

/** Marathon while it leads: the heart, and around it the store, the master, the feed, the events and the checks. */
export class Leader {
  readonly #options: LeaderOptions
  readonly #heart: Heart
  readonly #checker: Checker
  #scheduler: Scheduler | undefined
  readonly #calls = new Map<number, (answer: Answer) => void>()
  #nextCall = 0
  /** Effects that wait for what is being stored, in order. */
  readonly #held: { readonly ticket: number; readonly effects: readonly Effect[] }[] = []
  /** Task ids in the feed, by instance. */
  readonly #published = new Map<string, ReadonlySet<string>>()
  #roles = ''
  #timer: Timer | undefined
  #stopped = false

  constructor(options: LeaderOptions) {
    this.#options = options
    this.#heart = new Heart(options.settings, options.random)
    this.#checker = new Checker(options.clock, command => this.#step([command]))
    options.records.onDurable(() => this.#release())
  }

  get state(): State {
    return this.#heart.state
  }

  get now(): number {
    return this.#options.clock.now()
  }

  /** Reads all records, then joins the master. */
  async start(): Promise<void> {
    const { records, clock, health, log } = this.#options
    const stored = await records.takeOver()
    load(this.state, stored, clock.now())
    log.info({ services: this.state.root.services.size, instances: this.state.instances.size }, 'leading')
    health.set('master', 'degraded', 'no master has been found yet: nothing is launched')
    this.#step([])
    this.#join()
  }

  async stop(): Promise<void> {
    this.resign('Marathon is stopping')
    await this.#checker.close()
  }

  /** Decides nothing any more. Whoever waits for the store is told why, and that the change may or may not have been made. */
  resign(reason: string): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#timer?.cancel()
    this.#scheduler?.stop()
    for (const resolve of this.#calls.values())
      resolve({ ok: false, refusal: unavailable(`${reason}: whether the change was made is not known`) })
    this.#calls.clear()
  }

  /** Changes the root. Resolves when the change is durable, or refused. */
  change(
    change: Change,
    more: { force: boolean; dryRun?: boolean; client?: Client },
  ): Promise<Extract<Answer, { ok: true }>> {
    return this.#ask(call => ({ type: 'change', call, change, ...more }))
  }

  kill(instances: readonly string[], wipe: boolean): Promise<unknown> {
    return this.#ask(call => ({ type: 'kill', call, instances, wipe }))
  }

  cancelDeployment(id: string, force: boolean): Promise<Extract<Answer, { ok: true }>> {
    return this.#ask(call => ({ type: 'cancel-deployment', call, id, force }))
  }

  resetDelay(id: string): Promise<unknown> {
    return this.#ask(call => ({ type: 'reset-delay', call, id }))
  }

  async #ask(command: (call: number) => Command): Promise<Extract<Answer, { ok: true }>> {
    if (this.#stopped) throw unavailable('Marathon is stopping')
    if (this.#calls.size >= maxCalls) throw unavailable(`${maxCalls} requests wait for the store already`)
    const call = this.#nextCall++
    const { promise, resolve } = Promise.withResolvers<Answer>()
    this.#calls.set(call, resolve)
    this.#step([command(call)])
    const answer = await promise
    if (!answer.ok) throw answer.refusal
    return answer
  }

  #join(): void {
    const { master, framework, clock, random, log, health, connect, credential } = this.#options
    const roles = [...this.state.roles()]
    this.#roles = roles.join()
    const id = this.state.frameworkId
    this.#scheduler = createScheduler({
      master,
      framework: { ...framework, roles, ...(id !== undefined && { id: { value: id } }) },
      clock,
      random,
      log,
      ...(connect && { connect }),
      credential,
      events: {
        subscribed: ({ frameworkId, master: info }) => {
          health.set('master', 'ok', 'connected to the leading master')
          const region = info?.domain?.fault_domain?.region.name
          this.#step([
            {
              type: 'subscribed',
              frameworkId,
              master: info?.pid ?? info?.hostname ?? '',
              ...(region !== undefined && { region }),
            },
          ])
        },
        event: event => this.#event(event),
        disconnected: reason => {
          health.set('master', 'degraded', `the master is lost: ${reason}; tasks go on, nothing is launched or killed`)
          this.#step([{ type: 'disconnected' }])
        },
        ended: reason => this.#options.failed(new Error(`the master ended the framework: ${reason}`)),
      },
    })
  }

  #event(event: SchedulerEvent): void {
    switch (event.type) {
      case 'OFFERS':
        this.#step([{ type: 'offers', offers: event.offers?.offers ?? [] }])
        break
      case 'UPDATE':
        if (event.update !== undefined) this.#step([{ type: 'status', status: event.update.status }])
        break
      case 'FAILURE': {
        const { agent_id, executor_id } = event.failure ?? {}
        if (agent_id !== undefined && executor_id === undefined)
          this.#step([{ type: 'agent-lost', agentId: agent_id.value }])
        break
      }
      case 'MESSAGE': {
        const { agent_id, executor_id, data } = event.message ?? {}
        if (agent_id !== undefined && executor_id !== undefined)
          this.#step([{ type: 'message', agentId: agent_id.value, executorId: executor_id.value, data: data ?? '' }])
        break
      }
      default: // offers are never kept, so their end means nothing
    }
  }

  #step(commands: readonly Command[]): void {
    if (this.#stopped) return
    let effects: Effect[]
    try {
      effects = this.#heart.step(this.#options.clock.now(), commands)
    } catch (error) {
      this.#options.failed(error instanceof Error ? error : new Error(String(error)))
      return
    }
    const waiting: Effect[] = []
    for (const effect of effects) {
      if (effect.type === 'store') this.#options.records.write(effect.writes)
      else if (effect.type === 'call' || effect.type === 'answer') waiting.push(effect)
      else this.#perform(effect)
    }
    if (waiting.length > 0) this.#held.push({ ticket: this.#options.records.given, effects: waiting })
    this.#release()
    this.#followRoles()
  }

  #release(): void {
    for (
      let head = this.#held[0];
      head !== undefined && head.ticket <= this.#options.records.durable;
      head = this.#held[0]
    ) {
      this.#held.shift()
      for (const effect of head.effects) this.#perform(effect)
    }
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'event':
        this.#options.events.publish(effect.event)
        break
      case 'changed':
        this.#publish(effect)
        break
      case 'wake':
        this.#wake(effect.at)
        break
      case 'answer': {
        const resolve = this.#calls.get(effect.call)
        this.#calls.delete(effect.call)
        resolve?.(effect.answer)
        break
      }
      case 'call':
        this.#send(effect.call)
        break
      default: // store: handled before
    }
  }

  #wake(at: number | undefined): void {
    this.#timer?.cancel()
    if (at === undefined) return
    const delay = Math.max(0, at - this.#options.clock.now())
    this.#timer = this.#options.clock.after(delay, () => this.#step([{ type: 'tick' }]))
  }

  #publish({ kind, key }: Extract<Effect, { type: 'changed' }>): void {
    const { feed } = this.#options
    if (kind === 'instance') {
      this.#publishInstance(key)
      return
    }
    if (kind === 'info') {
      this.publishInfo()
      return
    }
    const body = feedBody(this.state, kind, key, this.#options.clock.now())
    if (body === undefined) feed.del(kind, key)
    else feed.put(kind, key, body)
    if (kind === 'deployment') for (const id of this.#instancesOf(key)) this.#checker.refresh(this.state, id)
  }

  /** Readiness is checked while a deployment runs. */
  #instancesOf(deployment: string): string[] {
    const affected = this.state.deployments.get(deployment)?.affected ?? []
    return affected.flatMap(id => [...(this.state.byService.get(id)?.keys() ?? [])])
  }

  #publishInstance(id: string): void {
    const { feed } = this.#options
    const instance = this.state.instances.get(id)
    const views = instance === undefined ? new Map<string, object>() : instanceFeedViews(this.state, instance)
    for (const task of this.#published.get(id) ?? []) if (!views.has(task)) feed.del('instance', task)
    for (const [task, view] of views) feed.put('instance', task, view)
    if (views.size > 0) this.#published.set(id, new Set(views.keys()))
    else this.#published.delete(id)
    this.#checker.refresh(this.state, id)
  }

  publishInfo(): void {
    const { connected, frameworkId } = this.state
    this.#options.feed.put('info', 'info', { frameworkId: frameworkId ?? null, ...this.#options.info, connected })
  }

  #followRoles(): void {
    const roles = [...this.state.roles()]
    if (this.#scheduler === undefined || roles.join() === this.#roles) return
    this.#roles = roles.join()
    void this.#scheduler.update({ ...this.#options.framework, roles })
  }

  #send(call: MasterCall): void {
    this.#scheduler?.call(toCall(call)).catch((error: Error) => {
      this.#options.log.warn({ call: call.kind, reason: error.message }, 'the master did not take a call')
    })
  }
}

const unavailable = (message: string): Refusal => new Refusal(503, message)

/** A call as the scheduler API takes it (Mesos contract 2.2). */
function toCall(call: MasterCall): Call {
  switch (call.kind) {
    case 'accept':
      return {
        type: 'ACCEPT',
        accept: {
          offer_ids: call.offerIds.map(value => ({ value })),
          operations: [...call.operations],
          filters: { refuse_seconds: call.refuseSeconds },
        },
      }
    case 'decline':
      return {
        type: 'DECLINE',
        decline: {
          offer_ids: call.offerIds.map(value => ({ value })),
          filters: { refuse_seconds: call.refuseSeconds },
        },
      }
    case 'revive':
      return { type: 'REVIVE', revive: { roles: [...call.roles] } }
    case 'suppress':
      return { type: 'SUPPRESS', suppress: { roles: [...call.roles] } }
    case 'kill':
      return {
        type: 'KILL',
        kill: {
          task_id: { value: call.taskId },
          ...(call.agentId !== undefined && { agent_id: { value: call.agentId } }),
        },
      }
    case 'acknowledge': {
      const { agent_id, task_id, uuid } = call.status
      return { type: 'ACKNOWLEDGE', acknowledge: { agent_id: agent_id ?? { value: '' }, task_id, uuid: uuid ?? '' } }
    }
    case 'reconcile':
      return {
        type: 'RECONCILE',
        reconcile: {
          tasks: call.tasks.map(task => ({
            task_id: { value: task.taskId },
            ...(task.agentId !== undefined && { agent_id: { value: task.agentId } }),
          })),
        },
      }
  }
}
