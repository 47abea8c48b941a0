import type { AgentToMaster, Beacon, MasterInfo, MasterToAgent } from '../protocol/mesos.ts'

/** Why a session ended, as data for logs and `/health`. */
export interface LinkEnd {
  /**
   * `OUTBOX_FULL`: the peer took too little, and 1,000 messages or 8 MiB waited.
   * `GAP`: a message can not be delivered any more: it does not decode, or nothing was acknowledged for 30 s although the peer is heard.
   * `CLOSED_BY_PEER`: the other side said so, or knows nothing of the session.
   * `NEW_SESSION`: the agent has begun another one. `NEW_LEADER`: a leader of a higher epoch was heard.
   * `STOPPED`: this side was stopped. `REFUSED`: the peer speaks a version that this one does not read, or is a leader older than one that was followed.
   */
  readonly code: 'OUTBOX_FULL' | 'GAP' | 'CLOSED_BY_PEER' | 'NEW_SESSION' | 'NEW_LEADER' | 'STOPPED' | 'REFUSED'
  readonly detail: string
}

/** The agent's side of the session with the leading master. */
export interface AgentEnd {
  /** Queues a message; it is resent until acknowledged. False when there is no session or it just ended at its bound. Throws BadMessage. */
  send(message: AgentToMaster): boolean
  /** Whether a session with a leader is open. */
  readonly open: boolean
  /** The newest beacon heard, and when (monotonic milliseconds). */
  readonly leader: { readonly beacon: Beacon; readonly heardAt: number } | undefined
  stop(): Promise<void>
}

/** Called in order, one at a time, never from inside a call to the AgentEnd. */
export interface AgentEndEvents {
  /** A session with a leader is open: remember its epoch durably, then register or re-register. */
  opened(master: MasterInfo, epoch: number): void
  received(message: MasterToAgent): void
  /** The session ended, or was refused before it began; a new one is sought by itself. */
  ended(reason: LinkEnd): void
}

/** The leading master's side: one for all agents. `link` is an agent's link id. */
export interface MasterEnd {
  /** Queues a message for an agent. False when it has no open session. Throws BadMessage. */
  send(link: string, message: MasterToAgent): boolean
  /** Ends the session with an agent. It may begin another one. */
  close(link: string, reason: string): void
  /** Whether this master's own echo over the bus returns: while it does not, silence says nothing about agents. */
  readonly hearsItself: boolean
  stop(): Promise<void>
}

/** Called in order, one at a time, never from inside a call to the MasterEnd. */
export interface MasterEndEvents {
  opened(link: string, agentId: string | undefined): void
  received(link: string, message: AgentToMaster): void
  ended(link: string, reason: LinkEnd): void
  /** A heartbeat or any message of this agent was heard, whether or not it has a session. */
  heard(link: string): void
  /** A leader of a higher epoch was heard: this master is deposed. */
  deposed?(epoch: number): void
}

/** A link id: what an agent calls itself on the bus from its first start on, after who it proved to be there. Never `_…`. */
export const isLinkId = (link: unknown): link is string =>
  typeof link === 'string' && /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}(?:\.[A-Za-z0-9][A-Za-z0-9_-]{0,63})?$/.test(link)
