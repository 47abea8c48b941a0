import type { AgentToMaster, Beacon, MasterInfo, MasterToAgent } from '../protocol/mesos.ts'

/** Why a session ended, as data for logs and `/health`. */
export interface LinkEnd {
  readonly code: 'OUTBOX_FULL' | 'GAP' | 'CLOSED_BY_PEER' | 'NEW_SESSION' | 'NEW_LEADER' | 'STOPPED' | 'REFUSED'
  readonly detail: string
}

/** The agent's side of the session with the leading master. */
export interface AgentEnd {
  /** Queues a message; it is resent until acknowledged. False when there is no session or it just ended at its bound. */
  send(message: AgentToMaster): boolean
  /** Whether a session with a leader is open. */
  readonly open: boolean
  /** The newest beacon heard, and when (monotonic milliseconds). */
  readonly leader: { readonly beacon: Beacon; readonly heardAt: number } | undefined
  stop(): Promise<void>
}

export interface AgentEndEvents {
  /** A session with a leader is open: register or re-register now. */
  opened(master: MasterInfo, epoch: number): void
  received(message: MasterToAgent): void
  /** The session ended; a new one is sought by itself. */
  ended(reason: LinkEnd): void
}

/** The leading master's side: one for all agents. `link` is an agent's link id. */
export interface MasterEnd {
  /** Queues a message for an agent. False when it has no open session. */
  send(link: string, message: MasterToAgent): boolean
  /** Ends the session with an agent. */
  close(link: string, reason: string): void
  /** Whether this master's own echo over the bus returns: while it does not, silence says nothing about agents. */
  readonly hearsItself: boolean
  stop(): Promise<void>
}

export interface MasterEndEvents {
  opened(link: string, agentId: string | undefined): void
  received(link: string, message: AgentToMaster): void
  ended(link: string, reason: LinkEnd): void
  /** A heartbeat or any message of this agent was heard. */
  heard(link: string): void
}
