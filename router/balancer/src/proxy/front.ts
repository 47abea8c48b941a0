import type { Clock } from '@meseta/common/service/clock'
import type { Backend } from '../table/backends.ts'
import type { ProxyLimits } from './limits.ts'

/** Where a virtual IP is to be reached. */
export interface Place {
  readonly address: string
  readonly port: number
}

/** Where it is reached, or why it is not. */
export interface Listening {
  readonly port: number | undefined
  readonly error: string | undefined
}

/** What a front tells its owner. */
export interface FrontEvents {
  /** It listens somewhere else now, or can not. */
  listening(listening: Listening): void
  /** The number of open connections (UDP: remembered clients) changed. */
  connections(count: number): void
}

/** The data plane of one virtual IP: it listens while some backend takes connections, and is a closed port otherwise. */
export interface Front {
  update(backends: readonly Backend[]): void
  readonly connections: number
  /** Stops listening; connections go on. Resolves when the last has ended or `grace` ms are over, and then cuts what is left. */
  close(grace: number): Promise<void>
}

export interface FrontOptions {
  readonly place: Place
  /** The port it got before when its own could not be bound. */
  readonly secondPort: number | undefined
  readonly clock: Clock
  readonly limits: ProxyLimits
  readonly events: FrontEvents
}

/** After this a front that could open no port at all tries again, ms: descriptors may have run out for a while. */
export const listenAgain = 2_000

/** The ports to try, in order: its own, the one that it got before, any free one. */
export function portsToTry(place: Place, secondPort: number | undefined): readonly number[] {
  return [...new Set([place.port, secondPort ?? 0, 0])]
}

/** Why a front does not listen where it should, in a sentence. */
export function refusalToListen(place: Place, error: NodeJS.ErrnoException, got: number | undefined): string {
  const reasons: Record<string, string> = {
    EACCES: 'this user may not open ports under 1024',
    EADDRINUSE: 'something else on this machine listens there',
    EADDRNOTAVAIL: 'this machine has no such address',
  }
  const why = reasons[error.code ?? ''] ?? error.message
  const instead = got === undefined ? 'it is not reachable' : `port ${got} is used instead`
  return `${place.address}:${place.port} can not be opened (${why}): ${instead}`
}
