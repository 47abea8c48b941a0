import type { Backend } from '../table/backends.ts'

/** A backend as the data plane sees it: with its open connections, which outlive its removal. */
export interface Member {
  readonly ip: string
  readonly port: number
  weight: number
  /** In the table. One that left keeps its connections until they are done. */
  present: boolean
  active: number
  /** Until then (monotonic ms) it is only chosen when there is no other: it could not be connected to. */
  suspectUntil: number
}

const placeOf = ({ ip, port }: { ip: string; port: number }): string => `${ip} ${port}`

/** The backends of one virtual IP, and which of them gets the next connection. */
export class Pool {
  #members = new Map<string, Member>()
  #turn = 0

  /** Whether anyone takes new connections. */
  get isOpen(): boolean {
    for (const member of this.#members.values()) if (member.weight > 0) return true
    return false
  }

  /** Takes the table's backends. Tasks at one place are one member, open when any of them is. */
  update(backends: readonly Backend[]): void {
    const next = new Map<string, Member>()
    for (const backend of backends) {
      const place = placeOf(backend)
      const member = next.get(place) ?? this.#known(backend)
      member.weight = next.has(place) ? Math.max(member.weight, backend.weight) : backend.weight
      next.set(place, member)
    }
    for (const [place, member] of this.#members) {
      if (next.has(place)) continue
      member.present = false
      member.weight = 0
    }
    this.#members = next
  }

  #known({ ip, port, weight }: Backend): Member {
    const member = this.#members.get(placeOf({ ip, port }))
    return member ?? { ip, port, weight, present: true, active: 0, suspectUntil: 0 }
  }

  /** The open member with the fewest connections that was not tried yet; suspects last, equals in turn. */
  choose(tried: ReadonlySet<Member>, now: number): Member | undefined {
    const open = [...this.#members.values()].filter(member => member.weight > 0 && !tried.has(member))
    const trusted = open.filter(member => member.suspectUntil <= now)
    const among = trusted.length > 0 ? trusted : open
    if (among.length === 0) return undefined
    this.#turn = (this.#turn + 1) % among.length
    let best = among[this.#turn]!
    for (const member of among) if (member.active / member.weight < best.active / best.weight) best = member
    return best
  }
}
