import type { Candidacy, Election, Member } from './election.ts'
import { checkElection } from './election-paths.ts'
import { Listeners } from './listeners.ts'
import { StoreError } from './store.ts'

interface Candidate {
  readonly member: Member
  readonly lead: () => void
  readonly end: (reason: string) => void
}

/** The election of candidates that share one process: the lowest sequence number leads. */
export class LocalElection implements Election {
  readonly #nextSequence: (name: string) => Promise<number>
  readonly #failed: (error: unknown) => void
  readonly #races = new Map<string, Candidate[]>()
  readonly #watchers = new Map<string, Listeners<[readonly Member[]]>>()
  #over: string | undefined

  constructor(nextSequence: (name: string) => Promise<number>, failed: (error: unknown) => void) {
    this.#nextSequence = nextSequence
    this.#failed = failed
  }

  async contend(path: string, label: string, data: Uint8Array): Promise<Candidacy> {
    const race = checkElection(path, label, data)
    const sequence = await this.#nextSequence(path)
    if (this.#over !== undefined) throw new StoreError('LOST', path, this.#over)
    const elected = Promise.withResolvers<void>()
    const ended = Promise.withResolvers<string>()
    const candidate: Candidate = { member: { sequence, data }, lead: elected.resolve, end: ended.resolve }
    const candidates = this.#races.get(race) ?? []
    candidates.push(candidate)
    candidates.sort((a, b) => a.member.sequence - b.member.sequence)
    this.#races.set(race, candidates)
    this.#changed(race)
    return {
      elected: elected.promise,
      ended: ended.promise,
      withdraw: async () => this.#leave(race, candidate, 'withdrawn'),
    }
  }

  watch(path: string, label: string, changed: (members: readonly Member[]) => void): () => void {
    const race = checkElection(path, label)
    const here = this.#watchers.get(race) ?? new Listeners<[readonly Member[]]>(this.#failed)
    this.#watchers.set(race, here)
    const off = here.add(changed)
    changed(this.#members(race))
    return () => {
      off()
      if (here.size === 0) this.#watchers.delete(race)
    }
  }

  /** Ends every candidacy. */
  close(reason: string): void {
    this.#over = reason
    this.#watchers.clear()
    for (const candidates of this.#races.values()) for (const { end } of candidates) end(reason)
    this.#races.clear()
  }

  #members(race: string): Member[] {
    return (this.#races.get(race) ?? []).map(({ member }) => member)
  }

  #leave(race: string, candidate: Candidate, reason: string): void {
    const rest = (this.#races.get(race) ?? []).filter(other => other !== candidate)
    if (rest.length === 0) this.#races.delete(race)
    else this.#races.set(race, rest)
    candidate.end(reason)
    this.#changed(race)
  }

  #changed(race: string): void {
    this.#races.get(race)?.[0]?.lead()
    this.#watchers.get(race)?.tell(this.#members(race))
  }
}
