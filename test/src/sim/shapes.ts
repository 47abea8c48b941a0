/** How large a simulated cluster is, how long it runs, and how much goes wrong. Times are milliseconds of simulated time. */
export interface Shape {
  /** Fewest and most; the seed draws. */
  readonly agents: readonly [number, number]
  /** Tasks of each of the two frameworks at a time. */
  readonly tasks: number
  /** Of the troubles, and of the peace after which all must agree. */
  readonly troubled: number
  readonly peaceful: number
  /** Whether frameworks reserve and make volumes. */
  readonly operations: boolean
  /** How many things go wrong, beside what goes wrong all the time. */
  readonly troubles: number
  /** How often the store fails, at its worst: of all it is asked. A registration of each agent is written. */
  readonly storeFailures: number
  /** Silence that makes an agent unreachable, and how long a lost one may take to come back. */
  readonly agentSilence: number
  readonly agentReregisterTimeout: number
  /** An absence that is longer than both, mostly. */
  readonly long: number
  /** The longest time that the bus is away. */
  readonly longestCut: number
}

/** The original's times, but for the return of lost agents: shorter than the longest absence, so that some are given up. */
const times = { agentSilence: 75_000, long: 80_000 }

/** Few agents, short times, much trouble: so cheap that a thousand seeds are run each time. */
export const small: Shape = {
  agents: [2, 4],
  tasks: 4,
  troubled: 45_000,
  peaceful: 55_000,
  operations: true,
  troubles: 12,
  storeFailures: 0.05,
  // Two heartbeats and a little, as agents are silent between two.
  agentSilence: 32_000,
  agentReregisterTimeout: 15_000,
  long: 25_000,
  longestCut: 45_000,
}

/** Few agents, where each trouble meets all that others left. */
export const dense: Shape = {
  agents: [3, 3],
  tasks: 5,
  troubled: 240_000,
  peaceful: 180_000,
  operations: true,
  troubles: 30,
  storeFailures: 0.05,
  ...times,
  agentReregisterTimeout: 60_000,
  longestCut: 120_000,
}

/** Many agents, where much happens at once. */
export const wide: Shape = {
  agents: [100, 100],
  tasks: 100,
  troubled: 40_000,
  peaceful: 80_000,
  operations: true,
  troubles: 25,
  storeFailures: 0.002,
  ...times,
  agentReregisterTimeout: 40_000,
  longestCut: 15_000,
}

export const shapes: Readonly<Record<string, Shape>> = { small, dense, wide }
