import type { TaskState, TaskStatus } from '@meseta/common/protocol/mesos'

/** Counters of what happened, under the names of `/metrics/snapshot` (Mesos contract 9). They only grow. */
export class Tally {
  readonly #counts = new Map<string, number>()
  readonly #frameworks = new Map<string, Map<string, number>>()

  constructor() {
    for (const name of always) this.#counts.set(`master/${name}`, 0)
  }

  count(name: string, by = 1): void {
    const key = `master/${name}`
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + by)
  }

  /** A task came to an end in this state. */
  ended(frameworkId: string, state: TaskState, status: Pick<TaskStatus, 'source' | 'reason'>): void {
    const word = state.replace('TASK_', '').toLowerCase()
    this.framework(frameworkId, `tasks/terminal/task_${word}`)
    this.count(`tasks_${word}`)
    if (status.source && status.reason) {
      const source = status.source.toLowerCase()
      this.count(`task_${word}/${source}/${status.reason.toLowerCase()}`)
    }
  }

  call(frameworkId: string, type: string): void {
    this.framework(frameworkId, 'calls')
    this.framework(frameworkId, `calls/${type.toLowerCase()}`)
  }

  operation(frameworkId: string, type: string): void {
    this.framework(frameworkId, 'operations')
    this.framework(frameworkId, `operations/${type.toLowerCase()}`)
  }

  event(frameworkId: string, type: string): void {
    this.framework(frameworkId, 'events')
    this.framework(frameworkId, `events/${type.toLowerCase()}`)
  }

  framework(frameworkId: string, name: string, by = 1): void {
    let counts = this.#frameworks.get(frameworkId)
    if (!counts) {
      counts = new Map()
      this.#frameworks.set(frameworkId, counts)
    }
    counts.set(name, (counts.get(name) ?? 0) + by)
  }

  forgetFramework(frameworkId: string): void {
    this.#frameworks.delete(frameworkId)
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts
  }

  ofFramework(frameworkId: string): ReadonlyMap<string, number> {
    return this.#frameworks.get(frameworkId) ?? new Map()
  }
}

const always = [
  ...['finished', 'failed', 'killed', 'lost', 'error', 'dropped', 'gone', 'gone_by_operator'].map(
    word => `tasks_${word}`,
  ),
  'slave_registrations',
  'slave_reregistrations',
  'slave_removals',
  'slave_removals/reason_unhealthy',
  'slave_removals/reason_unregistered',
  'slave_removals/reason_registered',
  'slave_unreachable_scheduled',
  'slave_unreachable_completed',
  'slave_unreachable_canceled',
  'recovery_slave_removals',
  'dropped_messages',
  'http_cache_hits',
  ...[
    'register_framework',
    'reregister_framework',
    'unregister_framework',
    'deactivate_framework',
    'kill_task',
    'status_update',
    'status_update_acknowledgement',
    'launch_tasks',
    'decline_offers',
    'revive_offers',
    'suppress_offers',
    'resource_request',
    'reconcile_tasks',
    'reconcile_operations',
    'framework_to_executor',
    'executor_to_framework',
    'register_slave',
    'reregister_slave',
    'unregister_slave',
    'update_slave',
    'exited_executor',
    'authenticate',
  ].map(word => `messages_${word}`),
  'valid_status_updates',
  'invalid_status_updates',
  'valid_status_update_acknowledgements',
  'invalid_status_update_acknowledgements',
  'valid_framework_to_executor_messages',
  'invalid_framework_to_executor_messages',
]
