import type { Pool } from './pool.ts'

/**
 * Host ports for what is asked: a number is that port, 0 any other one, undefined none (contract 12, Host ports).
 * Undefined when the offer has not got them. `draw` gives numbers in [0, 1).
 */
export function chooseHostPorts(
  asked: readonly (number | undefined)[],
  pool: Pool,
  roles: ReadonlySet<string>,
  draw: () => number,
): (number | null)[] | undefined {
  const taken = new Set<number>()
  for (const port of asked) {
    if (port === undefined || port === 0) continue
    if (taken.has(port) || !pool.hasPort(port, roles)) return undefined
    taken.add(port)
  }
  const total = pool.portCount(roles)
  if (asked.filter(port => port !== undefined).length > total) return undefined
  const chosen: (number | null)[] = []
  for (const port of asked) {
    if (port === undefined) chosen.push(null)
    else if (port !== 0) chosen.push(port)
    else {
      const free = freePort(pool, roles, taken, total, draw)
      if (free === undefined) return undefined
      taken.add(free)
      chosen.push(free)
    }
  }
  return chosen
}

/** From a random place on, the first port that is not taken. */
function freePort(
  pool: Pool,
  roles: ReadonlySet<string>,
  taken: ReadonlySet<number>,
  total: number,
  draw: () => number,
): number | undefined {
  const start = Math.floor(draw() * total)
  for (let step = 0; step < total; step += 1) {
    const port = pool.portAt((start + step) % total, roles)
    if (port !== undefined && !taken.has(port)) return port
  }
  return undefined
}
