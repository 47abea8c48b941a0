import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { Election } from '../coordination/election.ts'
import type { Store } from '../coordination/store.ts'
import type { Bus } from '../messaging/bus.ts'
import type { Clock } from './clock.ts'
import type { FlagDefinitions, FlagValues } from './flags.ts'
import type { Random } from './random.ts'

/** What a component may use; it has no other way to the world than this and its own sockets and files. */
export interface Context<Flags> {
  readonly flags: Flags
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly metrics: Registry
  readonly store: Store
  readonly election: Election
  readonly bus: Bus
  /** The component has a process of its own: it may take more of the machine than its thread. */
  readonly ownProcess?: boolean
  /** The running component can not go on (its leadership is lost, its disk is gone): the process ends with this reason. */
  fatal(error: Error): void
}

/** A component that runs. */
export interface Handle {
  /** Where its HTTP server listens, `http://address:port`, with no final slash. */
  readonly url: string
  /** Further addresses worth showing: `dns`, `vips`. */
  readonly endpoints?: Readonly<Record<string, string>>
  /** Ends it: stops taking work, finishes what is in hand (at most some seconds), closes sockets. Idempotent. */
  stop(): Promise<void>
}

/** What a component needs besides flags. The shell connects only to what is named. */
export type Need = 'store' | 'election' | 'bus'

/** One component of Meseta, startable in a process of its own or beside others. */
export interface Component<Definitions extends FlagDefinitions = FlagDefinitions> {
  readonly name: string
  readonly summary: string
  readonly needs: readonly Need[]
  readonly flags: Definitions
  /** Prefixes of the environment variables that give its flags; `MESETA_` unless said. Of several, the first that is set counts. */
  readonly envPrefixes?: readonly string[]
  start(context: Context<FlagValues<Definitions>>): Promise<Handle>
}

/** Gives a component its exact type; each package exports one from `src/component.ts` as `component`. */
export function defineComponent<Definitions extends FlagDefinitions>(
  component: Component<Definitions>,
): Component<Definitions> {
  return component
}
