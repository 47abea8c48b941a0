import type { GroupChange, ServiceChange } from '../change/change.ts'
import type { Timestamp } from '../model.ts'
import type { PathId } from '../paths.ts'
import type { Step } from './plan.ts'

/** A deployment that runs. Where it stands follows from what is there, so nothing of that is stored. */
export interface Deployment {
  readonly id: string
  readonly version: Timestamp
  /** Its entry in the log. */
  readonly seq: number
  readonly steps: readonly Step[]
  readonly services: readonly ServiceChange[]
  readonly groups: readonly GroupChange[]
  readonly affected: readonly PathId[]
  /** The step that is being done, from 0. */
  current: number
  /** Services whose action of this step has begun, and those whose has ended. */
  readonly begun: Set<PathId>
  readonly ended: Set<PathId>
}
