import type { Bus } from '@meseta/common/messaging/bus'
import { systemClock } from '@meseta/common/service/clock'
import type { FlagDefinitions } from '@meseta/common/service/flags'
import { createRegistry } from '@meseta/common/service/metrics'
import { systemRandom } from '@meseta/common/service/random'
import { component } from '../src/component.ts'
import { log } from './harness.ts'

/** Starts the component as the process shell does: defaults of flags, and what is given over them. */
export async function startComponent(
  bus: Bus,
  given: Readonly<Record<string, unknown>>,
  fatal: (error: Error) => void,
) {
  const definitions: FlagDefinitions = component.flags
  const defaults = Object.entries(definitions).map(([name, definition]) => [name, definition.default])
  const flags = { ...Object.fromEntries(defaults), port: 0, ...given }
  return component.start({
    flags: flags as Parameters<typeof component.start>[0]['flags'],
    clock: systemClock,
    random: systemRandom,
    log,
    metrics: createRegistry(),
    bus,
    get store(): never {
      throw new Error('an agent needs no store')
    },
    get election(): never {
      throw new Error('an agent needs no election')
    },
    fatal,
  })
}
