import type { Offer, TaskState, TaskStatus } from '@meseta/common/protocol/mesos'
import { isTerminal } from '@meseta/common/protocol/task-state'
import { parseResources } from '@meseta/common/resources/text'
import type { MasterSource } from '@meseta/sdk/leader'
import { Scheduler } from '@meseta/sdk/scheduler'

interface LaunchedTask {
  readonly id: string
  readonly agent: string
  state: TaskState
  /** States that updates (not answers to questions) told of, in their order, each once. */
  readonly updates: { readonly uuid: string; readonly state: TaskState }[]
}

const progress = (state: TaskState): number => (isTerminal(state) ? 3 : state === 'TASK_RUNNING' ? 2 : 1)

/** A framework that launches whenever it may, until it is told to end: then it kills what still runs. */
export class LaunchingFramework {
  readonly tasks = new Map<string, LaunchedTask>()
  /** What must not be, in the order in which it was. */
  readonly broken: string[] = []
  subscriptions = 0
  readonly #scheduler: Scheduler
  readonly #most: number
  #busy = true

  constructor({ masters, most }: { readonly masters: MasterSource; readonly most: number }) {
    this.#most = most
    this.#scheduler = new Scheduler({
      master: masters,
      framework: {
        user: 'u',
        name: 'launching',
        failover_timeout: 1e6,
        checkpoint: true,
        capabilities: [{ type: 'PARTITION_AWARE' }],
      },
      events: {
        subscribed: () => {
          this.subscriptions += 1
          this.reconcile()
        },
        disconnected: () => undefined,
        ended: reason => this.broken.push(`ended: ${reason}`),
        event: ({ offers, update }) => {
          for (const offer of offers?.offers ?? []) this.#offered(offer)
          if (update) this.#updated(update.status)
        },
      },
    })
  }

  get live(): LaunchedTask[] {
    return [...this.tasks.values()].filter(({ state }) => !isTerminal(state))
  }

  get running(): number {
    return this.live.filter(({ state }) => state === 'TASK_RUNNING').length
  }

  reconcile(): void {
    const tasks = this.live.map(({ id, agent }) => ({ task_id: { value: id }, agent_id: { value: agent } }))
    if (tasks.length > 0) this.#say({ type: 'RECONCILE', reconcile: { tasks } })
  }

  /** Launches nothing any more, and kills what runs. To be repeated: a call may be lost with its session. */
  wind(): void {
    this.#busy = false
    for (const { id, agent } of this.live)
      this.#say({ type: 'KILL', kill: { task_id: { value: id }, agent_id: { value: agent } } })
    this.reconcile()
  }

  stop(): void {
    this.#scheduler.stop()
  }

  #offered(offer: Offer): void {
    const room = this.#busy ? Math.min(5, this.#most - this.live.length) : 0
    const filters = { refuse_seconds: 0.5 }
    if (room <= 0) {
      this.#say({ type: 'DECLINE', decline: { offer_ids: [offer.id], filters } })
      return
    }
    const task_infos = Array.from({ length: room }, () => {
      const id = `task-${this.tasks.size}`
      // Known before it is launched: a launch may be done though nobody answers.
      this.tasks.set(id, { id, agent: offer.agent_id.value, state: 'TASK_STAGING', updates: [] })
      return {
        name: id,
        task_id: { value: id },
        agent_id: offer.agent_id,
        resources: parseResources('cpus:0.1;mem:32'),
        command: { value: 'work' },
      }
    })
    const operations = [{ type: 'LAUNCH' as const, launch: { task_infos } }]
    this.#say({ type: 'ACCEPT', accept: { offer_ids: [offer.id], operations, filters: { refuse_seconds: 0 } } })
  }

  #updated({ task_id, agent_id, state, uuid }: TaskStatus): void {
    const task = this.tasks.get(task_id.value)
    if (!task) {
      this.broken.push(`told of ${task_id.value}, which it never launched`)
      return
    }
    if (uuid && !task.updates.some(update => update.uuid === uuid)) {
      const before = task.updates.at(-1)
      if (before && progress(state) < progress(before.state))
        this.broken.push(`${task.id} is ${state} after it was ${before.state}`)
      task.updates.push({ uuid, state })
    }
    if (!isTerminal(task.state)) task.state = state
    if (uuid) this.#say({ type: 'ACKNOWLEDGE', acknowledge: { agent_id: agent_id!, task_id, uuid } })
  }

  /** What is lost with a session is made good by reconciling, and by the agents' repeating. */
  #say(call: Parameters<Scheduler['call']>[0]): void {
    this.#scheduler.call(call).catch(() => undefined)
  }
}
