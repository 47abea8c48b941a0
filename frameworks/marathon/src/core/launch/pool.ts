import type { Resource } from '@meseta/common/protocol/mesos'

/** Thousandths: what Mesos keeps of a scalar. */
export const thousandths = (value: number): number => Math.round(value * 1000)

interface ScalarPart {
  readonly source: Resource
  left: number
}

interface PortPart {
  readonly source: Resource
  /** Inclusive, ascending. */
  ranges: { begin: number; end: number }[]
}

/** The role a resource is reserved for; `*` when it is for all. */
export const reservedFor = (resource: Resource): string =>
  resource.reservations?.at(-1)?.role ?? (resource.reservation ? (resource.role ?? '*') : (resource.role ?? '*'))

/** Whoever reserves for something in particular labels it; a reservation without labels is for all of its role. */
const isLabelled = (resource: Resource): boolean =>
  [resource.reservation, ...(resource.reservations ?? [])].some(one => (one?.labels?.labels ?? []).length > 0)

/** Whether plain tasks may use it: not a volume, not reserved for something else, not revocable, not a disk of its own. */
const isPlain = (resource: Resource): boolean =>
  !isLabelled(resource) &&
  resource.revocable === undefined &&
  resource.shared === undefined &&
  resource.disk?.persistence === undefined &&
  resource.disk?.source === undefined

/** What is left of an offer while tasks are fitted into it. */
export class Pool {
  readonly #scalars: ScalarPart[] = []
  readonly #ports: PortPart[] = []

  constructor(resources: readonly Resource[]) {
    for (const source of resources) {
      if (!isPlain(source)) continue
      if (source.name === 'ports')
        this.#ports.push({ source, ranges: (source.ranges?.range ?? []).map(range => ({ ...range })) })
      else if (source.scalar !== undefined) this.#scalars.push({ source, left: thousandths(source.scalar.value) })
    }
    this.#ports.sort((a, b) => Number(reservedFor(a.source) === '*') - Number(reservedFor(b.source) === '*'))
    this.#scalars.sort((a, b) => Number(reservedFor(a.source) === '*') - Number(reservedFor(b.source) === '*'))
  }

  /** How much of a scalar there is for these roles. */
  available(name: string, roles: ReadonlySet<string>): number {
    let sum = 0
    for (const part of this.#scalars)
      if (part.source.name === name && roles.has(reservedFor(part.source))) sum += part.left
    return sum / 1000
  }

  /** Takes an amount, reserved resources first; the caller has seen that there is enough. Nothing for 0. */
  take(name: string, amount: number, roles: ReadonlySet<string>): Resource[] {
    let missing = thousandths(amount)
    const taken: Resource[] = []
    for (const part of this.#scalars) {
      if (missing <= 0) break
      if (part.source.name !== name || part.left <= 0 || !roles.has(reservedFor(part.source))) continue
      const used = Math.min(part.left, missing)
      part.left -= used
      missing -= used
      taken.push({ ...part.source, scalar: { value: used / 1000 } })
    }
    return taken
  }

  hasPort(port: number, roles: ReadonlySet<string>): boolean {
    return this.#ports.some(
      part =>
        roles.has(reservedFor(part.source)) && part.ranges.some(range => range.begin <= port && port <= range.end),
    )
  }

  /** How many ports there are for these roles. */
  portCount(roles: ReadonlySet<string>): number {
    let count = 0
    for (const part of this.#ports)
      if (roles.has(reservedFor(part.source))) for (const range of part.ranges) count += range.end - range.begin + 1
    return count
  }

  /** The port at a place among all ports for these roles, counted from 0 upwards. */
  portAt(place: number, roles: ReadonlySet<string>): number | undefined {
    let rest = place
    for (const part of this.#ports) {
      if (!roles.has(reservedFor(part.source))) continue
      for (const range of part.ranges) {
        const size = range.end - range.begin + 1
        if (rest < size) return range.begin + rest
        rest -= size
      }
    }
    return undefined
  }

  /** Takes ports that are there, as resources. */
  takePorts(ports: readonly number[], roles: ReadonlySet<string>): Resource[] {
    const taken: Resource[] = []
    for (const part of this.#ports) {
      if (!roles.has(reservedFor(part.source))) continue
      const here = ports.filter(port => part.ranges.some(range => range.begin <= port && port <= range.end))
      if (here.length === 0) continue
      for (const port of here) part.ranges = part.ranges.flatMap(range => without(range, port))
      taken.push({
        ...part.source,
        ranges: { range: here.sort((a, b) => a - b).map(port => ({ begin: port, end: port })) },
      })
    }
    return taken
  }
}

function without(range: { begin: number; end: number }, port: number): { begin: number; end: number }[] {
  if (port < range.begin || port > range.end) return [range]
  const parts = []
  if (range.begin < port) parts.push({ begin: range.begin, end: port - 1 })
  if (port < range.end) parts.push({ begin: port + 1, end: range.end })
  return parts
}
