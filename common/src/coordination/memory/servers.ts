import type { Clock } from '../../service/clock.ts'
import type { Random } from '../../service/random.ts'
import { Races } from '../races.ts'
import type { Change } from '../tree.ts'
import { type CoordinationFaults, noFaults } from './faults.ts'
import { History } from './history.ts'
import type { MemorySession } from './session.ts'

export interface MemoryOptions {
  readonly clock: Clock
  readonly random: Random
  readonly faults?: CoordinationFaults
  /** How long an operation may wait for a lost connection before it fails with UNAVAILABLE; 20 s. Milliseconds. */
  readonly operationTimeout?: number
  /** Told of a listener that threw. */
  readonly failed: (error: unknown) => void
}

/** What all sessions share: the records, the candidates, and the dice. */
export class MemoryServers {
  readonly options: MemoryOptions
  readonly records = new History()
  readonly races: Races
  readonly sessions = new Set<MemorySession>()
  faults: CoordinationFaults
  readonly #sequences = new Map<string, number>()

  constructor(options: MemoryOptions) {
    this.options = options
    this.faults = options.faults ?? noFaults
    this.races = new Races(options.failed)
  }

  /** Tells every session what changed. */
  changed(changes: readonly Change[]): void {
    for (const session of this.sessions) session.changed(changes, this.records.now)
  }

  draw([shortest, longest]: readonly [number, number]): number {
    return longest === 0 ? 0 : shortest + this.options.random.next() * (longest - shortest)
  }

  chance(chance: number): boolean {
    return chance > 0 && this.options.random.next() < chance
  }

  nextSequence(path: string): number {
    const next = this.#sequences.get(path) ?? 0
    this.#sequences.set(path, next + 1)
    return next
  }
}
