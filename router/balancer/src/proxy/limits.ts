/** Bounds of the data plane. */
export interface ProxyLimits {
  /** Virtual IPs served at a time; each further one is shown with an error until there is room. */
  readonly vips: number
  /** Connections of one virtual IP; one more is reset at once. */
  readonly connections: number
  /** How long one backend may take to accept, ms. */
  readonly connectTimeout: number
  /** How long all of them together may take, ms. */
  readonly connectDeadline: number
  /** How long a backend that could not be connected to is passed over while there are others, ms. */
  readonly suspicion: number
  /** How long a connection may be silent once one side has ended, ms. */
  readonly halfOpenIdle: number
  /** UDP: clients of one virtual IP that are remembered; the longest silent is forgotten. */
  readonly sessions: number
  /** UDP: silence after which a client is forgotten, ms. */
  readonly sessionIdle: number
}

export const proxyLimits: ProxyLimits = {
  vips: 10_000,
  connections: 16_384,
  connectTimeout: 3_000,
  connectDeadline: 10_000,
  suspicion: 1_000,
  halfOpenIdle: 60_000,
  sessions: 4_096,
  sessionIdle: 30_000,
}
