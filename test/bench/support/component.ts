import { systemClock } from '@meseta/common/service/clock'
import type { Component, Context, Handle } from '@meseta/common/service/component'
import type { FlagDefinitions, FlagValues } from '@meseta/common/service/flags'
import { createLogger } from '@meseta/common/service/logger'
import { createRegistry } from '@meseta/common/service/metrics'
import { parseFlags } from '@meseta/common/service/parse-flags'
import { systemRandom } from '@meseta/common/service/random'
import { processFlags } from '@meseta/common/service/run'

export const log = createLogger({ name: 'bench', level: 'error' })

/** Starts a component in this process with its flags as text. What it needs besides comes in `parts`. */
export function startComponent<Definitions extends FlagDefinitions>(
  component: Component<Definitions>,
  argv: readonly string[],
  parts: Partial<Pick<Context<unknown>, 'store' | 'election' | 'bus'>> = {},
): Promise<Handle> {
  const flags = parseFlags(processFlags(component), { argv, env: {} }) as FlagValues<Definitions>
  return component.start({
    flags,
    clock: systemClock,
    random: systemRandom,
    log,
    metrics: createRegistry(),
    fatal: error => {
      throw error
    },
    ...parts,
  } as Context<FlagValues<Definitions>>)
}
