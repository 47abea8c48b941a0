import { isDeepStrictEqual } from 'node:util'
import type { Handle } from '@meseta/common/service/component'
import type { PlannedComponent } from './plan.ts'

export interface Started {
  readonly plan: PlannedComponent
  readonly handle: Handle
}

/** The components that run in this process, in the order of their start. */
export class StartedComponents {
  readonly #start: (plan: PlannedComponent) => Promise<Handle>
  readonly #byName = new Map<string, Started>()

  constructor(start: (plan: PlannedComponent) => Promise<Handle>) {
    this.#start = start
  }

  get all(): readonly Started[] {
    return [...this.#byName.values()]
  }

  get names(): ReadonlySet<string> {
    return new Set(this.#byName.keys())
  }

  /** Starts what does not run yet, and anew what runs with other flags than planned: somebody it speaks to has moved. */
  async settle(plans: readonly PlannedComponent[]): Promise<void> {
    for (const plan of plans) {
      const before = this.#byName.get(plan.name)
      if (before && isDeepStrictEqual(before.plan, plan)) continue
      if (before) await this.#stop(before)
      this.#byName.set(plan.name, { plan, handle: await this.#start(plan) })
    }
  }

  /** Ends those that are wanted in the reverse order of their start. */
  async stop(wanted: (component: PlannedComponent['component']) => boolean = () => true): Promise<void> {
    for (const started of this.all.toReversed()) if (wanted(started.plan.component)) await this.#stop(started)
  }

  async #stop({ plan, handle }: Started): Promise<void> {
    this.#byName.delete(plan.name)
    await handle.stop()
  }
}
