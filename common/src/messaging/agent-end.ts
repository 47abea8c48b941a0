import type { Logger } from 'pino'
import type { Clock } from '../service/clock.ts'
import type { Random } from '../service/random.ts'
import type { Bus } from './bus.ts'
import type { AgentEnd, AgentEndEvents } from './link.ts'

export interface AgentEndOptions {
  readonly bus: Bus
  readonly cluster: string
  /** This agent's link id (`isLinkId`), the same from its first start on. */
  readonly link: string
  /** The id that a master gave it, when it has one: said in announcements. */
  readonly agentId: () => string | undefined
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly events: AgentEndEvents
}

/** Seeks the leading master on the bus and keeps a session with it, for ever, until stopped. */
export function openAgentEnd(_options: AgentEndOptions): AgentEnd {
  throw new Error('the agent link is not built yet')
}
