import type { Candidacy, Member } from './election.ts'
import { Listeners } from './listeners.ts'

interface Candidate {
  readonly owner: object
  readonly member: Member
  readonly lead: () => void
  readonly end: (reason: string) => void
}

/** Candidates and watchers of the elections in one process's memory, by race (`<path>/<label>`): the lowest sequence number leads. */
export class Races {
  readonly #failed: (error: unknown) => void
  readonly #candidates = new Map<string, Candidate[]>()
  readonly #watchers = new Map<string, Listeners<[readonly Member[]]>>()

  constructor(failed: (error: unknown) => void) {
    this.#failed = failed
  }

  /** Enters a candidate for an owner, with whom it may leave. */
  enter(owner: object, race: string, member: Member): Candidacy {
    const elected = Promise.withResolvers<void>()
    const ended = Promise.withResolvers<string>()
    const candidate: Candidate = { owner, member, lead: elected.resolve, end: ended.resolve }
    const candidates = [...(this.#candidates.get(race) ?? []), candidate]
    candidates.sort((a, b) => a.member.sequence - b.member.sequence)
    this.#set(race, candidates)
    return {
      elected: elected.promise,
      ended: ended.promise,
      withdraw: async () => this.#remove(race, other => other === candidate, 'withdrawn'),
    }
  }

  /** Ends all candidacies of an owner. */
  leave(owner: object, reason: string): void {
    for (const race of [...this.#candidates.keys()]) this.#remove(race, candidate => candidate.owner === owner, reason)
  }

  members(race: string): Member[] {
    return (this.#candidates.get(race) ?? []).map(({ member }) => member)
  }

  /** Tells the members after each change. Answers a function that ends it. */
  watch(race: string, changed: (members: readonly Member[]) => void): () => void {
    const here = this.#watchers.get(race) ?? new Listeners<[readonly Member[]]>(this.#failed)
    this.#watchers.set(race, here)
    const off = here.add(changed)
    return () => {
      off()
      if (here.size === 0 && this.#watchers.get(race) === here) this.#watchers.delete(race)
    }
  }

  #remove(race: string, leaves: (candidate: Candidate) => boolean, reason: string): void {
    const candidates = this.#candidates.get(race) ?? []
    const gone = candidates.filter(leaves)
    if (gone.length === 0) return
    for (const { end } of gone) end(reason)
    this.#set(
      race,
      candidates.filter(candidate => !leaves(candidate)),
    )
  }

  #set(race: string, candidates: Candidate[]): void {
    if (candidates.length === 0) this.#candidates.delete(race)
    else this.#candidates.set(race, candidates)
    candidates[0]?.lead()
    this.#watchers.get(race)?.tell(this.members(race))
  }
}
