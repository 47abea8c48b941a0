import { MemoryElection } from './memory/election.ts'
import type { CoordinationFaults } from './memory/faults.ts'
import { type MemoryOptions, MemoryServers } from './memory/servers.ts'
import { MemorySession } from './memory/session.ts'
import { MemoryStore } from './memory/store.ts'
import type { Coordination } from './open.ts'

export { type CoordinationFaults, noFaults } from './memory/faults.ts'
export type { MemoryOptions } from './memory/servers.ts'

/** A session whose connection a test breaks. */
export interface MemoryCoordination extends Coordination {
  /** The connection is lost: the state is `suspended`, operations wait and then fail with UNAVAILABLE. What was on its way may have been done. */
  suspend(): void
  /** The connection returns; a session that has expired meanwhile is `lost`. */
  resume(): void
  /** The servers end the session: its candidates are gone for the others, its writes refused. It notices at once, or when it is suspended, at `resume`. */
  expire(): void
}

/** Servers in memory. */
export interface MemoryCluster {
  /** May be changed at any time. */
  faults: CoordinationFaults
  /** A session of its own for each simulated process. */
  connect(): MemoryCoordination
}

/**
 * Store and Election without a disk or a server, for simulation and tests: the same rules, and whatever can go wrong with
 * real servers, drawn from a seed and driven by a clock. Without faults it uses neither.
 */
export function createMemoryCoordination(options: MemoryOptions): MemoryCluster {
  const servers = new MemoryServers(options)
  return {
    get faults() {
      return servers.faults
    },
    set faults(faults) {
      servers.faults = faults
    },
    connect() {
      const session = new MemorySession(servers)
      servers.sessions.add(session)
      const store = new MemoryStore(session)
      return {
        store,
        election: new MemoryElection(session),
        close: () => store.close(),
        suspend: () => session.suspend(),
        resume: () => session.resume(),
        expire: () => session.expire(),
      }
    },
  }
}
