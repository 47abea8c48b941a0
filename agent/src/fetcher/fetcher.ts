import type { Clock } from '@meseta/common/service/clock'
import { type ContainerSpec, LaunchError } from '../containers/launcher.ts'
import type { UserIds } from '../containers/users.ts'
import { type FetcherLimits, fetchUris } from './fetch-uris.ts'
import { UserFetches } from './user-fetches.ts'

/**
 * Brings the URIs of a task into its sandbox (agent contract, section 5): in this process, or, for another user, in one of that
 * user. There is no cache yet: `cache` is accepted and each task fetches for itself.
 */
export class Fetcher {
  readonly #limits: FetcherLimits
  readonly #clock: Clock
  readonly #ofUsers = new UserFetches()
  readonly counts = { succeeded: 0, failed: 0 }

  constructor(limits: FetcherLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
  }

  /** @throws {LaunchError} naming the URI and what is wrong with it */
  async fetch({ directory, uris }: ContainerSpec, user: UserIds | undefined, signal: AbortSignal): Promise<void> {
    if (uris.length === 0) return
    const request = { directory, uris, limits: this.#limits }
    try {
      await (user === undefined ? fetchUris(request, this.#clock, signal) : this.#ofUsers.fetch(request, user, signal))
      this.counts.succeeded++
    } catch (error) {
      this.counts.failed++
      throw new LaunchError(
        `Failed to launch container: Failed to fetch all URIs for container: ${(error as Error).message}`,
      )
    }
  }
}
