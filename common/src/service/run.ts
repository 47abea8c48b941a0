import { readFileSync } from 'node:fs'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { Election } from '../coordination/election.ts'
import { type Coordination, openCoordination } from '../coordination/open.ts'
import type { Store } from '../coordination/store.ts'
import type { Bus } from '../messaging/bus.ts'
import { readNatsProof } from '../messaging/nats/proof.ts'
import { openBus } from '../messaging/open.ts'
import { systemClock } from './clock.ts'
import type { Component, Context, Handle, Need } from './component.ts'
import { plainName } from './flag-text.ts'
import { defineFlags, type FlagDefinitions, type FlagValues, shownFlags } from './flags.ts'
import { createLogger, type LogLevel, logLevels } from './logger.ts'
import { createRegistry } from './metrics.ts'
import { FlagError, formatHelp, parseFlags } from './parse-flags.ts'
import { systemRandom } from './random.ts'

/** Flags of the process shell; those that the component has too are its own. */
const shellFlags = defineFlags({
  store: {
    type: 'string',
    help: 'Where state is kept and leaders are elected: embedded:<folder> or zk://h1:2181,h2:2181/path.',
  },
  zk: { type: 'string', help: 'The same as --store, by the name that Mesos gave it.' },
  zk_session_timeout: { type: 'duration', default: 10_000, help: 'How long ZooKeeper keeps a session that is silent.' },
  bus: { type: 'string', help: 'The message bus: nats://h1:4222,h2:4222.' },
  bus_credentials: {
    type: 'string',
    help: 'The file of what this process proves to the bus who it is: the seed of an NKey, or {"principal":…,"secret":…}.',
  },
  bus_ca: {
    type: 'string',
    help: 'The file of the authorities, in PEM, whose certificates servers of the bus may have.',
  },
  log_level: { type: 'string', default: 'info', choices: logLevels, help: 'How much is logged.' },
  log_file: { type: 'string', help: 'The file to which the log is appended; standard error unless given.' },
})
type ShellValues = FlagValues<typeof shellFlags>

/** The shell's flags as read: a component may have spelled one of them its own way (`log-level`). */
function shellValues(flags: Readonly<Record<string, unknown>>): ShellValues {
  const byName = new Map(Object.entries(flags).map(([name, value]) => [plainName(name), value]))
  return Object.fromEntries(
    Object.keys(shellFlags).map(name => [name, byName.get(plainName(name))]),
  ) as unknown as ShellValues
}

/** How long a component may live on without its session with the store, ms. */
const lastWords = 250
/** How long a component may take to stop, ms. */
const stopLimit = 10_000

/** Exit codes of a component's process: stopped on request; it could not go on; its flags are wrong; somebody else has its port. */
export const exitCodes = { stopped: 0, failed: 1, badFlags: 2, portTaken: 3 } as const

/** All flags of a component that runs in a process of its own, for `--help` and completion. */
export function processFlags(component: { readonly flags: FlagDefinitions }): FlagDefinitions {
  const own = new Set(Object.keys(component.flags).map(plainName))
  const added = Object.entries(shellFlags).filter(([name]) => !own.has(plainName(name)))
  return { ...component.flags, ...Object.fromEntries(added) }
}

/**
 * Runs a component as this process: reads flags, connects to what the component needs, starts it, and prints one line
 * `{"event":"listening","component","url","endpoints"?}` on standard output. SIGTERM and SIGINT stop it within 10 s, a second one at once.
 * The process ends with one of `exitCodes`.
 */
export async function runComponent<Definitions extends FlagDefinitions>(
  component: Component<Definitions>,
  argv: readonly string[],
): Promise<void> {
  const definitions = processFlags(component)
  if (argv.includes('--help')) {
    process.stdout.write(`${component.name}: ${component.summary}\n\n${formatHelp(definitions)}`)
    return
  }
  const flags = readFlags(component, definitions, argv)
  const shell = shellValues(flags)
  const log = createLogger({ name: component.name, level: shell.log_level as LogLevel, file: shell.log_file })
  log.info({ flags: shownFlags(definitions, flags), pid: process.pid }, 'starting')
  await new Shell(component, flags as FlagValues<Definitions>, shell, log).run()
}

function readFlags(
  { name, needs, envPrefixes }: Pick<Component, 'name' | 'needs' | 'envPrefixes'>,
  definitions: FlagDefinitions,
  argv: readonly string[],
): FlagValues<FlagDefinitions> {
  try {
    const flags = parseFlags(definitions, { argv, env: process.env, ...(envPrefixes ? { envPrefixes } : {}) })
    checkNeeds(needs, shellValues(flags))
    return flags
  } catch (error) {
    if (!(error instanceof FlagError)) throw error
    process.stderr.write(`${name}: ${error.message}\n`)
    process.exit(exitCodes.badFlags)
  }
}

const coordinationUrl = (flags: ShellValues) => flags.store ?? flags.zk

function checkNeeds(needs: readonly Need[], flags: ShellValues): void {
  if ((needs.includes('store') || needs.includes('election')) && coordinationUrl(flags) === undefined)
    throw new FlagError('store', `--store (or --zk) is needed: ${shellFlags.store.help}`)
  if (needs.includes('bus') && flags.bus === undefined)
    throw new FlagError('bus', `--bus is needed: ${shellFlags.bus.help}`)
}

/** One process with one component in it, from connecting to the last close. */
class Shell<Definitions extends FlagDefinitions> {
  readonly #component: Component<Definitions>
  readonly #flags: FlagValues<Definitions>
  readonly #shell: ShellValues
  readonly #log: Logger
  readonly #metrics: Registry = createRegistry({ process: true })
  #coordination: Coordination | undefined
  #bus: Bus | undefined
  #handle: Handle | undefined
  #ending = false

  constructor(component: Component<Definitions>, flags: FlagValues<Definitions>, shell: ShellValues, log: Logger) {
    this.#component = component
    this.#flags = flags
    this.#shell = shell
    this.#log = log
  }

  async run(): Promise<void> {
    process.on('SIGTERM', () => this.#stopOn('SIGTERM'))
    process.on('SIGINT', () => this.#stopOn('SIGINT'))
    process.on('uncaughtException', error => this.#fail(error, 'an error was not caught'))
    // Whoever reads our output may be gone; that is no reason to follow.
    process.stdout.on('error', () => undefined)
    try {
      const context = await this.#connect()
      const handle = await this.#component.start(context)
      this.#handle = handle
      this.#announce(handle)
    } catch (error) {
      this.#fail(error as Error, 'could not start')
    }
  }

  async #connect(): Promise<Context<FlagValues<Definitions>>> {
    const shared = { clock: systemClock, random: systemRandom, log: this.#log }
    const { needs } = this.#component
    const url = coordinationUrl(this.#shell)
    if (url !== undefined && (needs.includes('store') || needs.includes('election'))) {
      this.#coordination = await openCoordination(url, { ...shared, sessionTimeout: this.#shell.zk_session_timeout })
      this.#coordination.store.onState(state => {
        if (state !== 'lost' || this.#ending) return
        // The component has noticed, too: what it says to those who wait is still on its way.
        const error = new Error('the session with the store is lost')
        systemClock.after(lastWords, () => this.#fail(error, 'can not go on'))
      })
    }
    const { bus, bus_credentials: credentials, bus_ca: ca } = this.#shell
    if (bus !== undefined && needs.includes('bus')) {
      const proof = readNatsProof(credentials)
      this.#bus = await openBus(bus, { ...shared, proof, ca: ca === undefined ? ca : readFileSync(ca, 'utf8') })
    }
    return {
      ...shared,
      flags: this.#flags,
      metrics: this.#metrics,
      store: this.#coordination?.store ?? absent<Store>('store'),
      election: this.#coordination?.election ?? absent<Election>('election'),
      bus: this.#bus ?? absent<Bus>('bus'),
      ownProcess: true,
      fatal: error => this.#fail(error, 'can not go on'),
    }
  }

  #announce(handle: Handle): void {
    const { url, endpoints } = handle
    this.#log.info({ url, endpoints }, 'listening')
    const line = { event: 'listening', component: this.#component.name, url, ...(endpoints ? { endpoints } : {}) }
    process.stdout.write(`${JSON.stringify(line)}\n`)
  }

  #stopOn(signal: string): void {
    if (this.#ending) process.exit(exitCodes.failed)
    this.#ending = true
    this.#log.info({ signal }, 'stopping')
    systemClock.after(stopLimit, () => {
      this.#log.error({ limit_seconds: stopLimit / 1000 }, 'did not stop in time')
      process.exit(exitCodes.failed)
    })
    void this.#close().then(
      () => {
        this.#log.info('stopped')
        process.exit(exitCodes.stopped)
      },
      error => {
        this.#log.error({ err: error }, 'stopping failed')
        process.exit(exitCodes.failed)
      },
    )
  }

  /** The component first: what it still has to say goes over bus and store. */
  async #close(): Promise<void> {
    await this.#handle?.stop()
    await this.#bus?.close()
    await this.#coordination?.close()
  }

  #fail(error: Error, what: string): void {
    this.#log.fatal({ err: error }, what)
    if (this.#shell.log_file !== undefined) process.stderr.write(`${this.#component.name}: ${what}: ${error.message}\n`)
    process.exit((error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? exitCodes.portTaken : exitCodes.failed)
  }
}

/** What a component did not say it needs: using it is a mistake in the component. */
export function absent<Thing extends object>(need: Need): Thing {
  return new Proxy({} as Thing, {
    get() {
      throw new Error(`this component uses '${need}' and does not name it in its needs`)
    },
  })
}
