import {
  createMemoryCoordination,
  type MemoryCluster,
  type MemoryCoordination,
} from '@meseta/common/coordination/memory'
import type { Coordination } from '@meseta/common/coordination/open'
import type { Bus } from '@meseta/common/messaging/bus'
import { systemClock } from '@meseta/common/service/clock'
import type { Handle } from '@meseta/common/service/component'
import { createLogger } from '@meseta/common/service/logger'
import { createRegistry } from '@meseta/common/service/metrics'
import { parseFlags } from '@meseta/common/service/parse-flags'
import { systemRandom } from '@meseta/common/service/random'
import { component } from '../../src/component.ts'

/** A Marathon of its own, as a process would run it. */
export interface TestMarathon extends Handle {
  readonly coordination: MemoryCoordination
  /** What ended it from within. */
  readonly fatal: Promise<Error>
  /** It is gone at once: its session ends with it and nothing is tidied up. */
  kill(): Promise<void>
}

export const newServers = (): MemoryCluster =>
  createMemoryCoordination({
    clock: systemClock,
    random: systemRandom,
    operationTimeout: 100,
    failed: error => {
      throw error
    },
  })

/** A component in this process, on whatever store and election. */
export async function runMarathon(
  { store, election }: Pick<Coordination, 'store' | 'election'>,
  master: string,
  more: readonly string[] = [],
): Promise<Pick<TestMarathon, 'fatal'> & Handle> {
  const fatal = Promise.withResolvers<Error>()
  const flags = parseFlags(component.flags, {
    argv: ['--port=0', `--master=${master}`, '--min-revive-offers-interval=50', '--drain-delay=50ms', ...more],
    env: {},
  })
  const handle = await component.start({
    flags,
    clock: systemClock,
    random: systemRandom,
    log: createLogger({ name: 'marathon', level: 'silent' }),
    metrics: createRegistry(),
    store,
    election,
    bus: undefined as unknown as Bus,
    fatal: error => fatal.resolve(error),
  })
  return { ...handle, fatal: fatal.promise }
}

export async function startMarathon(
  servers: MemoryCluster,
  master: string,
  more: readonly string[] = [],
): Promise<TestMarathon> {
  const coordination = servers.connect()
  const handle = await runMarathon(coordination, master, more)
  return {
    ...handle,
    coordination,
    stop: async () => {
      await handle.stop()
      await coordination.close()
    },
    kill: async () => {
      coordination.expire()
      await handle.stop()
    },
  }
}
