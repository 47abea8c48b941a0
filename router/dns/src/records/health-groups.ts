import type { UnhealthyRule } from './settings.ts'

interface Group {
  healthy: number
  readonly unhealthy: Set<string>
}

/**
 * Which tasks of one shared name are published (contract 1.4). Under `last`, unhealthy ones are dropped while a healthy one is
 * there; so when the first healthy instance comes or the last one goes, exactly the unhealthy ones of that name change.
 */
export class HealthGroups {
  readonly #rule: UnhealthyRule
  readonly #groups = new Map<string, Group>()

  constructor(rule: UnhealthyRule) {
    this.#rule = rule
  }

  /** Adds a task to its group. Answers the other tasks whose publication changes by it. */
  add(group: string, task: string, unhealthy: boolean): readonly string[] {
    const members = this.#groups.get(group) ?? { healthy: 0, unhealthy: new Set<string>() }
    this.#groups.set(group, members)
    if (unhealthy) {
      members.unhealthy.add(task)
      return []
    }
    members.healthy += 1
    return this.#rule === 'last' && members.healthy === 1 ? [...members.unhealthy] : []
  }

  /** Takes a task out of its group. Answers the other tasks whose publication changes by it. */
  remove(group: string, task: string): readonly string[] {
    const members = this.#groups.get(group)
    if (members === undefined) return []
    const wasUnhealthy = members.unhealthy.delete(task)
    if (!wasUnhealthy) members.healthy -= 1
    if (members.healthy === 0 && members.unhealthy.size === 0) this.#groups.delete(group)
    return this.#rule === 'last' && !wasUnhealthy && members.healthy === 0 ? [...members.unhealthy] : []
  }

  /** Whether a task of the group is published. */
  shows(group: string, task: string): boolean {
    const members = this.#groups.get(group)
    if (this.#rule === 'include' || !members?.unhealthy.has(task)) return true
    return this.#rule === 'last' && members.healthy === 0
  }
}
