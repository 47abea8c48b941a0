import type { Logger } from 'pino'
import type { Clock } from '../service/clock.ts'
import type { Random } from '../service/random.ts'
import type { Bus } from './bus.ts'
import { createEmbeddedBus } from './embedded/bus.ts'
import { parseNatsUrl } from './nats/address.ts'
import { openNats } from './nats/bus.ts'
import type { NatsProof } from './nats/proof.ts'

export { createEmbeddedBus } from './embedded/bus.ts'

export interface BusOptions {
  /** NATS: how this process proves who it is; counts before the user in the url. */
  readonly proof?: NatsProof | undefined
  /** NATS: the authorities, in PEM, whose servers to believe; without it a server's TLS is checked by those that Node.js knows. */
  readonly ca?: string | undefined
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** NATS: longest random wait before a reconnection, so that a cluster does not return in one instant; 5 s. Milliseconds. */
  readonly reconnectJitter?: number
  /** NATS: time between the pings that notice a frozen link, two of which may stay unanswered; 5 s. Milliseconds. */
  readonly pingInterval?: number
}

/** A bus url that can not be used. */
export class BusUrlError extends Error {
  constructor(url: string, reason: string) {
    super(
      `${url.replace(/\/\/[^@/]*@/, '//…@')} is no bus url: ${reason}; use embedded: or nats://[user:pass@]host:4222[,host:4222]`,
    )
    this.name = 'BusUrlError'
  }
}

/**
 * Opens `embedded:` (a bus of this process: pass the object around) or `nats://[user:pass@]h1:4222,h2:4222`.
 * With NATS it resolves at once, `disconnected`; the connection is sought for ever, and `onState` tells.
 */
export async function openBus(url: string, options: BusOptions): Promise<Bus> {
  if (url === 'embedded:')
    return createEmbeddedBus({
      failed: error => options.log.error({ err: error }, 'a receiver of the bus failed'),
      isPrivate: true,
    })
  if (!url.startsWith('nats://')) throw new BusUrlError(url, 'its scheme is not known')
  const address = parseNatsUrl(url)
  if ('flaw' in address) throw new BusUrlError(url, address.flaw)
  return openNats(address, options)
}
