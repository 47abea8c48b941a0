import { holdsResources } from '@meseta/common/protocol/task-state'
import { Resources } from '@meseta/common/resources/resources'
import type { Simulation } from '@meseta/common/sim/simulation'
import type { Command, Now, RegistryEntry } from '@meseta/master/state/commands'
import type { HeartConfig } from '@meseta/master/state/config'
import type { Effect, RegistryChange } from '@meseta/master/state/effects'
import type { Life } from './masters.ts'

/** How long a cut bus may be taken for silence of agents: until the echo is missed, and the next tick. */
const noticedWithin = 5_000

/** What one life of a master has heard, as the rules about evidence count it. Times on the monotonic clock. */
interface Hearing {
  readonly heardAt: Map<string, number>
  readonly endedAt: Map<string, number>
  readonly replied: Set<number>
  /** What it writes, by number. */
  readonly writes: Map<number, Written>
  recoveredAt: number
  hearingSince: number
  blind: boolean
}

interface Written {
  readonly life: Life
  readonly key: string
  readonly value: string
}

export interface WitnessParts {
  readonly simulation: Simulation
  readonly config: Pick<HeartConfig, 'agentSilence' | 'agentReregisterTimeout'>
  readonly isElected: (life: Life) => boolean
  readonly isAlive: (life: Life) => boolean
  /** Since when the bus carries nothing; undefined while it does. */
  readonly busAwaySince: () => number | undefined
}

/**
 * Sees every step of every master, and holds them to what they promise: what was durable is there for whoever leads next; an
 * agent is unreachable by its own silence only; a call is answered once.
 */
export class Witness {
  readonly #parts: WitnessParts
  readonly #hearings = new WeakMap<Life, Hearing>()
  /** The registry as it was promised to be: keys are agents' ids and names of settings. */
  readonly #durable = new Map<string, string>()
  /** Writes that were begun and not promised: they may be there or not. */
  #possible: Written[] = []

  constructor(parts: WitnessParts) {
    this.#parts = parts
  }

  saw(life: Life, now: Now, commands: readonly Command[], effects: readonly Effect[]): void {
    const hearing = this.#hearing(life)
    for (const command of commands) this.#heard(life, hearing, now, command)
    const news = commands.some(({ type }) => type === 'LINK_MESSAGE' || type === 'PERSISTED')
    for (const effect of effects) {
      // What agents told in the same step came after the offers, maybe.
      if (effect.type === 'EVENT' && !news) this.#quota(life, effect)
      else this.#decided(life, hearing, now, effect)
    }
  }

  /** Where the leader's view is not what is promised of the registry; undefined where it is. */
  difference({ master: { heart } }: Life): string | undefined {
    const { agents, recovered, unreachable, gone } = heart.cluster
    for (const [key, value] of this.#durable) {
      const state = value.split(' ')[0]
      const holds =
        state === 'admitted'
          ? agents.has(key) || recovered.has(key)
          : state === 'unreachable'
            ? unreachable.has(key)
            : state !== 'gone' || gone.has(key)
      if (!holds) return `the registry has ${key} as ${state}, the master has not`
    }
    const stored = [...this.#durable.values()].filter(value => value.startsWith('admitted')).length
    return stored === agents.size + recovered.size
      ? undefined
      : `the registry has ${stored} agents, the master ${agents.size} and ${recovered.size} recovered ones`
  }

  #hearing(life: Life): Hearing {
    let hearing = this.#hearings.get(life)
    if (!hearing) {
      hearing = {
        heardAt: new Map(),
        endedAt: new Map(),
        replied: new Set(),
        writes: new Map(),
        recoveredAt: 0,
        hearingSince: 0,
        blind: false,
      }
      this.#hearings.set(life, hearing)
    }
    return hearing
  }

  #heard(life: Life, hearing: Hearing, { monotonic }: Now, command: Command): void {
    switch (command.type) {
      case 'RECOVERED':
        hearing.recoveredAt = monotonic
        this.#recovered(life, command)
        return
      case 'LINK_OPENED':
      case 'LINK_MESSAGE':
      case 'HEARD':
        hearing.heardAt.set(command.link, monotonic)
        return
      case 'LINK_ENDED':
        hearing.endedAt.set(command.link, monotonic)
        return
      case 'TICK':
        if (command.hearsItself && hearing.blind) hearing.hearingSince = monotonic
        hearing.blind = !command.hearsItself
        return
      case 'PERSISTED':
        this.#persisted(life, hearing, command.op)
        return
      default:
    }
  }

  #decided(life: Life, hearing: Hearing, now: Now, effect: Effect): void {
    switch (effect.type) {
      case 'REPLY':
        if (hearing.replied.has(effect.request)) this.#fail(life, `answered request ${effect.request} twice`)
        hearing.replied.add(effect.request)
        return
      case 'PERSIST': {
        const { change } = effect
        const written = { life, ...keyed(change) }
        hearing.writes.set(effect.op, written)
        this.#possible.push(written)
        if ('id' in change && change.entry?.state === 'unreachable') this.#evidence(life, hearing, now, change.id)
        return
      }
      default:
    }
  }

  /** A write of the elected one is a promise. One who was deposed meanwhile may have written what the next one never reads. */
  #persisted(life: Life, hearing: Hearing, op: number): void {
    const written = hearing.writes.get(op)
    hearing.writes.delete(op)
    if (!written || !this.#parts.isElected(life)) return
    this.#durable.set(written.key, written.value)
    this.#possible = this.#possible.filter(other => other !== written)
  }

  #recovered(life: Life, { agents, settings }: Command & { type: 'RECOVERED' }): void {
    const found = new Map(agents.map(({ id, entry }) => [id, stateOf(entry)]))
    for (const [name, value] of Object.entries(settings)) found.set(name, JSON.stringify(value))
    for (const key of new Set([...found.keys(), ...this.#durable.keys()])) {
      const value = found.get(key) ?? absent
      const promised = this.#durable.get(key)
      const firstOfSettings = promised === undefined && key in settings
      if (value === (promised ?? absent) || firstOfSettings) continue
      if (this.#possible.some(written => written.key === key && written.value === value)) continue
      this.#fail(life, `reads ${key} as ${value}; it was promised to be ${promised ?? absent}`)
    }
    this.#durable.clear()
    for (const [key, value] of found) this.#durable.set(key, value)
    // Sessions of the dead have ended: what they had not written never will be.
    this.#possible = this.#possible.filter(written => this.#parts.isAlive(written.life))
  }

  /** Only an agent's own silence, while others could be heard, makes it unreachable. */
  #evidence(life: Life, hearing: Hearing, { monotonic }: Now, id: string): void {
    const { simulation, config, busAwaySince } = this.#parts
    // What operators decide of one that is unreachable, or about to be written so, is written with it.
    const decided = [...hearing.writes.values()].filter(
      ({ key, value }) => key === id && value.startsWith('unreachable'),
    )
    if (life.master.heart.cluster.unreachable.has(id) || decided.length > 1) return
    const away = busAwaySince()
    if (hearing.blind) this.#fail(life, `gives up ${id} while it does not hear itself`)
    // Whatever it hears: this is what really is.
    if (away !== undefined && simulation.time - away > noticedWithin)
      this.#fail(life, `gives up ${id} while the bus is away`)
    const agent = life.master.heart.cluster.agents.get(id)
    const { agentSilence, agentReregisterTimeout } = config
    const elapsed = (at: number | undefined) => monotonic - Math.max(at ?? 0, hearing.hearingSince)
    const silent = agent !== undefined && elapsed(hearing.heardAt.get(agent.link)) >= agentSilence
    const missing = elapsed(agent ? hearing.endedAt.get(agent.link) : hearing.recoveredAt) >= agentReregisterTimeout
    if (!silent && !missing) this.#fail(life, `gives up ${id}, which it has heard of lately`)
  }

  /** What is offered to a role keeps, with what the role has, to its limits. */
  #quota(life: Life, { streamId, event }: Effect & { type: 'EVENT' }): void {
    const { settings, tasks, frameworks, frameworksByStream, offers } = life.master.heart.cluster
    // A role that has more than a limit that was lowered may still be offered what is none of it.
    const offered = event.offers?.offers?.some(({ resources }) => cpusOf(Resources.from(resources)) > 0)
    const role = offered ? frameworksByStream.get(streamId)?.roles[0] : undefined
    const limit = settings.quotas.find(quota => quota.role === role)?.limits?.cpus?.value
    if (role === undefined || limit === undefined) return
    let used = 0
    for (const offer of offers.values()) if (offer.role === role) used += cpusOf(offer.resources)
    for (const { id, roles } of frameworks.values()) {
      if (!roles.includes(role)) continue
      for (const task of tasks.ofFramework(id)) if (holdsResources(task.state)) used += cpusOf(task.resources)
    }
    if (used > limit + 1e-6) this.#fail(life, `offers ${role} what makes ${used} cpus of at most ${limit}`)
  }

  #fail(life: Life, what: string): void {
    this.#parts.simulation.fail(`${life.name} ${what}`)
  }
}

const absent = 'absent'

const cpusOf = (resources: Resources): number => resources.scalar('cpus')

function keyed(change: RegistryChange): { key: string; value: string } {
  return 'setting' in change
    ? { key: change.setting, value: JSON.stringify(change.value) }
    : { key: change.id, value: change.entry ? stateOf(change.entry) : absent }
}

/** What operators and agents were told of it. */
function stateOf(entry: RegistryEntry): string {
  const { drain, deactivated = false } = entry.state === 'gone' ? {} : entry
  return [entry.state, ...(deactivated ? ['deactivated'] : []), ...(drain ? [JSON.stringify(drain)] : [])].join(' ')
}
