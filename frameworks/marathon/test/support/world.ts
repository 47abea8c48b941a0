import type { Offer, OfferOperation, Resource, TaskInfo, TaskState, TaskStatus } from '@meseta/common/protocol/mesos'
import type { Random } from '@meseta/common/service/random'
import type { Change } from '../../src/core/change/change.ts'
import type { Answer, Command, Effect, MasterCall } from '../../src/core/effects.ts'
import { Heart } from '../../src/core/heart.ts'
import { load } from '../../src/core/load.ts'
import type { Settings } from '../../src/core/model.ts'
import { probesOf } from '../../src/core/probes.ts'
import type { State } from '../../src/core/state.ts'
import { type Wait, waitView } from '../../src/core/view/wait.ts'
import { settings } from './settings.ts'
import { storedOf } from './stored.ts'

export interface WorldTask {
  readonly info: TaskInfo
  readonly agent: number
  state: TaskState
  /** The status that is sent until it is acknowledged. */
  unacknowledged?: TaskStatus
  killed: boolean
}

export interface WorldOptions {
  readonly random: Random
  readonly agents?: number
  readonly settings?: Partial<Settings>
  /** The chance that the process dies at a write. */
  readonly crashes?: number
  /** The chance that a task that has come to run fails soon. */
  readonly failures?: number
}

const ended = new Set<TaskState>(['TASK_KILLED', 'TASK_FAILED', 'TASK_FINISHED'])

/**
 * Marathon's heart in a small world of its own: a master with agents, a store that may lose the process at any record,
 * checks, and one clock. Everything is drawn from one source, so that a seed is a story.
 */
export class World {
  now = Date.parse('2026-01-01T00:00:00.000Z')
  heart: Heart
  readonly records = new Map<string, string>()
  readonly tasks = new Map<string, WorldTask>()
  readonly events: { eventType: string; [field: string]: unknown }[] = []
  readonly answers = new Map<number, Answer>()
  readonly calls: MasterCall[] = []
  /** Why services wait, as the feed says it. */
  readonly waits = new Map<string, Wait | undefined>()
  /** Whether a task of this app answers its health checks. */
  healthy: (task: TaskInfo) => boolean = () => true
  /** Agents do not end what they are told to end. */
  stubborn = false
  /** Tasks stay at TASK_STAGING. */
  slow = false
  /** The master answers no reconciliation. */
  silent = false
  /** Called after each event of the world. */
  watch: () => void = () => {}
  crashed = 0
  /** How many agents there are; those with the highest numbers go first. */
  agents: number
  readonly #options: WorldOptions
  readonly #random: Random
  #agenda: { at: number; turn: number; action: () => void }[] = []
  #turn = 0
  #life = 0
  /** Died at a write; the next one begins at once. */
  #dead = false
  #wakeAt: number | undefined
  #offers = new Map<string, number>()
  #wanted = new Set<string>()
  #nextCall = 0
  #frameworkId = ''
  #probes = new Set<string>()

  constructor(options: WorldOptions) {
    this.#options = options
    this.#random = options.random
    this.agents = options.agents ?? 4
    this.heart = this.#newHeart()
    this.start()
  }

  get state(): State {
    return this.heart.state
  }

  #newHeart(): Heart {
    return new Heart({ ...settings, ...this.#options.settings }, this.#random)
  }

  #later(delay: number, action: () => void): void {
    this.#turn += 1
    this.#agenda.push({ at: this.now + delay, turn: this.#turn, action })
  }

  /** Something that happens to the process alone: it is lost with it. */
  #ofProcess(delay: number, action: () => void): void {
    const life = this.#life
    this.#later(delay, () => {
      if (life === this.#life) action()
    })
  }

  /** Lets time pass until nothing is left to happen, or `limit` ms are over, or `done` says so. */
  run(limit: number, done: () => boolean = () => false): void {
    const end = this.now + limit
    while (!done()) {
      this.#agenda.sort((a, b) => a.at - b.at || a.turn - b.turn)
      const [next] = this.#agenda
      const wake = this.#wakeAt
      if (wake !== undefined && wake <= (next?.at ?? end) && wake <= end) {
        this.now = Math.max(this.now, wake)
        this.#wakeAt = undefined
        this.step([{ type: 'tick' }])
      } else if (next !== undefined && next.at <= end) {
        this.#agenda.shift()
        this.now = Math.max(this.now, next.at)
        next.action()
      } else break
      this.watch()
    }
    if (!done()) this.now = end
  }

  /** A process begins: it reads its records and joins the master. */
  start(): void {
    this.#life += 1
    this.#probes = new Set()
    this.heart = this.#newHeart()
    load(this.state, storedOf(this.records), this.now)
    this.step([])
    this.#ofProcess(this.#random.next() * 200, () => this.#subscribe())
  }

  crash(): void {
    this.crashed += 1
    this.#dead = false
    this.#life += 1
    this.#wakeAt = undefined
    this.#offers.clear()
    this.#wanted.clear()
    this.start()
  }

  #subscribe(): void {
    this.#frameworkId = this.state.frameworkId ?? (this.#frameworkId || 'F')
    this.#wanted = new Set(['*'])
    this.#offers.clear()
    this.step([{ type: 'subscribed', frameworkId: this.#frameworkId, master: 'master@1:5050' }])
    for (const task of this.tasks.values()) if (task.unacknowledged !== undefined) this.#send(task)
    this.#offerLoop()
  }

  disconnect(forMs: number): void {
    this.#wanted.clear()
    this.#offers.clear()
    this.step([{ type: 'disconnected' }])
    this.#ofProcess(forMs, () => this.#subscribe())
  }

  change(change: Change, force = false): number {
    const call = this.#nextCall++
    this.step([{ type: 'change', call, change, force }])
    return call
  }

  command(command: (call: number) => Command): number {
    const call = this.#nextCall++
    this.step([command(call)])
    return call
  }

  step(commands: readonly Command[]): void {
    if (this.#dead) return
    const effects = this.heart.step(this.now, commands)
    const waiting: Effect[] = []
    for (const effect of effects) {
      if (effect.type === 'store') {
        for (const { path, value } of effect.writes) {
          if (this.#random.next() < (this.#options.crashes ?? 0)) {
            this.#dead = true
            this.#life += 1
            this.#later(0, () => this.crash())
            return
          }
          if (value === null) this.records.delete(path)
          else this.records.set(path, value)
        }
      } else if (effect.type === 'call' || effect.type === 'answer') waiting.push(effect)
      else this.#perform(effect)
    }
    for (const effect of waiting) this.#perform(effect)
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'event':
        this.events.push(effect.event)
        break
      case 'answer':
        this.answers.set(effect.call, effect.answer)
        break
      case 'wake':
        this.#wakeAt = effect.at
        break
      case 'call':
        this.calls.push(effect.call)
        this.#ofProcess(1 + this.#random.next() * 5, () => this.#master(effect.call))
        break
      case 'changed':
        if (effect.kind === 'instance') this.#probe(effect.key)
        if (effect.kind === 'wait') this.waits.set(effect.key, waitView(this.state, effect.key, this.now))
        break
      default:
    }
  }

  #probe(id: string): void {
    const instance = this.state.instances.get(id)
    for (const probe of instance === undefined ? [] : probesOf(this.state, instance)) {
      if (this.#probes.has(probe.key)) continue
      this.#probes.add(probe.key)
      const turn = (): void => {
        const task = this.tasks.get(probe.taskId)
        if (task === undefined || task.state !== 'TASK_RUNNING') return
        this.step([
          {
            type: 'health',
            instance: id,
            taskId: probe.taskId,
            result: { index: probe.index, alive: this.healthy(task.info) },
          },
        ])
        this.#ofProcess(probe.interval, turn)
      }
      this.#ofProcess(probe.first, turn)
    }
  }

  // The master and its agents.

  #master(call: MasterCall): void {
    switch (call.kind) {
      case 'accept':
        this.#accept(call)
        break
      case 'decline':
        for (const id of call.offerIds) this.#offers.delete(id)
        break
      case 'revive':
        for (const role of call.roles) this.#wanted.add(role)
        this.#offerAll()
        break
      case 'suppress':
        for (const role of call.roles) this.#wanted.delete(role)
        break
      case 'kill': {
        const task = this.tasks.get(call.taskId)
        if (task === undefined)
          this.#tell({ task_id: { value: call.taskId }, state: 'TASK_UNKNOWN', reason: 'REASON_RECONCILIATION' })
        else if (!this.stubborn && !task.killed && !ended.has(task.state)) {
          task.killed = true
          this.#later(10 + this.#random.next() * 200, () => this.update(call.taskId, 'TASK_KILLED'))
        }
        break
      }
      case 'acknowledge': {
        const task = this.tasks.get(call.status.task_id.value)
        if (task?.unacknowledged?.uuid !== call.status.uuid || task === undefined) break
        delete task.unacknowledged
        if (ended.has(task.state)) this.tasks.delete(call.status.task_id.value)
        break
      }
      case 'reconcile':
        if (!this.silent) this.#reconcile(call.tasks.map(task => task.taskId))
    }
  }

  #reconcile(asked: readonly string[]): void {
    for (const id of asked.length > 0 ? asked : [...this.tasks.keys()]) {
      const task = this.tasks.get(id)
      this.#tell({ task_id: { value: id }, state: task?.state ?? 'TASK_GONE', reason: 'REASON_RECONCILIATION' })
    }
  }

  #accept(call: Extract<MasterCall, { kind: 'accept' }>): void {
    const agent = this.#offers.get(call.offerIds[0] as string)
    this.#offers.delete(call.offerIds[0] as string)
    for (const operation of call.operations)
      for (const info of tasksOf(operation)) {
        if (agent === undefined) {
          this.#tell({ task_id: info.task_id, state: 'TASK_DROPPED', reason: 'REASON_INVALID_OFFERS' })
          continue
        }
        if (this.tasks.has(info.task_id.value)) throw new Error(`the task id ${info.task_id.value} is used twice`)
        const task: WorldTask = { info, agent, state: 'TASK_STAGING', killed: false }
        this.tasks.set(info.task_id.value, task)
        this.#later(20 + this.#random.next() * 300, () => this.#begin(info.task_id.value))
      }
  }

  #begin(id: string): void {
    const task = this.tasks.get(id)
    if (task === undefined || task.killed) return
    this.update(id, this.slow ? 'TASK_STAGING' : 'TASK_RUNNING')
    if (this.slow) return
    if (this.#random.next() < (this.#options.failures ?? 0))
      this.#later(this.#random.next() * 3_000, () => this.update(id, 'TASK_FAILED'))
  }

  update(id: string, state: TaskState, reason?: TaskStatus['reason']): void {
    const task = this.tasks.get(id)
    if (task === undefined || ended.has(task.state)) return
    task.state = state
    task.unacknowledged = {
      task_id: { value: id },
      state,
      uuid: this.#random.uuid(),
      agent_id: { value: `A${task.agent}` },
      timestamp: this.now / 1000,
      message: state === 'TASK_FAILED' ? 'it failed' : '',
      ...(reason !== undefined && { reason }),
    }
    this.#send(task)
  }

  /** Again and again until it is acknowledged. */
  #send(task: WorldTask): void {
    const status = task.unacknowledged
    if (status === undefined) return
    this.#tell(status)
    this.#later(10_000, () => {
      if (task.unacknowledged === status) this.#send(task)
    })
  }

  #tell(status: TaskStatus): void {
    this.#later(1 + this.#random.next() * 5, () => {
      if (this.state.connected && !this.#dead) this.step([{ type: 'status', status }])
    })
  }

  #offerLoop(): void {
    this.#ofProcess(1_000, () => {
      this.#offerAll()
      this.#offerLoop()
    })
  }

  #offerAll(): void {
    if (!this.#wanted.has('*')) return
    const out = new Set(this.#offers.values())
    for (let agent = 0; agent < this.agents; agent += 1) {
      if (out.has(agent)) continue
      const offer = this.#offer(agent)
      this.#offers.set(offer.id.value, agent)
      this.#ofProcess(1 + this.#random.next() * 5, () => this.step([{ type: 'offers', offers: [offer] }]))
    }
  }

  #offer(agent: number): Offer {
    const live = [...this.tasks.values()].filter(task => task.agent === agent && !ended.has(task.state))
    const used = live.flatMap(task => task.info.resources ?? [])
    const sum = (name: string): number =>
      used.reduce((total, one) => total + (one.name === name ? (one.scalar?.value ?? 0) : 0), 0)
    const ports = new Set(used.flatMap(one => (one.ranges?.range ?? []).map(range => range.begin)))
    const range = Array.from({ length: 60 }, (_, n) => 31_000 + n)
      .filter(port => !ports.has(port))
      .map(port => ({ begin: port, end: port }))
    const scalar = (name: string, value: number): Resource => ({ name, type: 'SCALAR', scalar: { value } })
    return {
      id: { value: this.#random.uuid() },
      framework_id: { value: 'F' },
      agent_id: { value: `A${agent}` },
      hostname: `host-${agent}`,
      allocation_info: { role: '*' },
      resources: [
        scalar('cpus', 8 - sum('cpus')),
        scalar('mem', 8_000 - sum('mem')),
        scalar('disk', 10_000 - sum('disk')),
        { name: 'ports', type: 'RANGES', ranges: { range } },
      ],
    }
  }

  /** Tasks of an app that run, with the MARATHON_APP_VERSION they were launched with. */
  running(app: string): { id: string; version: string; task: WorldTask }[] {
    return [...this.tasks]
      .filter(([, task]) => task.state === 'TASK_RUNNING' && variable(task.info, 'MARATHON_APP_ID') === app)
      .map(([id, task]) => ({ id, version: variable(task.info, 'MARATHON_APP_VERSION') ?? '', task }))
  }
}

const tasksOf = (operation: OfferOperation): TaskInfo[] => [
  ...(operation.launch?.task_infos ?? []),
  ...(operation.launch_group?.task_group.tasks ?? []),
]

export const variable = (info: TaskInfo, name: string): string | undefined =>
  info.command?.environment?.variables?.find(one => one.name === name)?.value
