import type { TaskStep } from '../state/changes.ts'

/** Tasks whose steps are remembered: the newest. */
const maxTasks = 50_000
/** Of each: its launch and the newest. */
const maxSteps = 8

/** What became of tasks beside what their statuses tell; for explanations. */
export class TaskSteps {
  readonly #steps = new Map<string, readonly TaskStep[]>()

  /** A launch begins anew: an id may be used again. */
  add(frameworkId: string, taskId: string, step: TaskStep): void {
    const key = keyOf(frameworkId, taskId)
    const before = step.code === 'LAUNCHED' ? [] : (this.#steps.get(key) ?? [])
    const steps = [...before, step]
    if (steps.length > maxSteps) steps.splice(1, 1)
    // The task is the newest again.
    this.#steps.delete(key)
    this.#steps.set(key, steps)
    if (this.#steps.size > maxTasks) this.#steps.delete(this.#steps.keys().next().value!)
  }

  of(frameworkId: string, taskId: string): readonly TaskStep[] {
    return this.#steps.get(keyOf(frameworkId, taskId)) ?? []
  }
}

/** No id holds a slash. */
const keyOf = (frameworkId: string, taskId: string): string => `${frameworkId}/${taskId}`
