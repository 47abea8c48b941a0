import type { Beacon, MasterInfo } from '../protocol/mesos.ts'
import type { LinkFrame } from './frames.ts'
import type { LinkEnd } from './link.ts'
import { tickEvery } from './link-times.ts'
import { common, refusal } from './link-version.ts'
import { Session } from './session.ts'

/** An unanswered announcement is repeated after this time. Milliseconds. */
export const announceAfter = 2_000
/** Between announcements to a leader that refused this version: it may be upgraded. */
const refusedAnnounceAfter = 30_000
/** The agent says that it lives when it has said nothing else for this long. */
export const heartbeatAfter = 5_000
/** A leader is heard each second; after this silence nothing is concluded from its missing answers. */
const leaderSilence = 3_500
/**
 * A deposed master ends within the time of its coordination session, which is seconds. Who is the only leader heard for this
 * long is no such one, whatever its epoch: the store was begun anew.
 */
const deposedAtMost = 120_000
/** Announcements have numbers of their own, far above those of sessions. */
const announcementBase = 2 ** 40

/** What the machine wants done, in this order. */
export type AgentEffect =
  | { readonly kind: 'publish'; readonly epoch: number; readonly frame: LinkFrame }
  | { readonly kind: 'opened'; readonly master: MasterInfo; readonly epoch: number }
  | { readonly kind: 'received'; readonly payload: Uint8Array }
  | { readonly kind: 'ended'; readonly reason: LinkEnd }

/**
 * The agent's side of the link as a pure machine: follows the leader of the highest epoch it has heard, announces itself,
 * and keeps a session from the leader's TURN on. Times are monotonic milliseconds.
 */
export class AgentMachine {
  leader: { beacon: Beacon; heardAt: number } | undefined
  /** The highest epoch heard in this life, or followed in an earlier one: older leaders are deposed. */
  #newest: number
  /** The leader of an older epoch that is heard all the time since, with nobody newer. */
  #older: { readonly epoch: number; readonly since: number; heardAt: number } | undefined
  #session: Session | undefined
  #announcement: number
  #announceAt = 0
  #refused: string | undefined
  #lastSent = 0
  #busUp = true
  #stopped = false

  /**
   * `start` is any whole number below 2^40, different at each start of an agent: it tells its announcements from earlier ones.
   * `followed` is the epoch of the last session of an earlier life, 0 when there was none.
   */
  constructor(start: number, followed = 0) {
    this.#announcement = announcementBase + start
    this.#newest = followed
  }

  get open(): boolean {
    return this.#session !== undefined
  }

  /** The leader's beacon; one of an older epoch is refused. */
  beacon(now: number, beacon: Beacon, agentId: string | undefined): AgentEffect[] {
    if (this.#stopped) return []
    if (beacon.epoch < this.#newest && !this.#isAlone(now, beacon.epoch)) return this.#refuseOlder(beacon.epoch)
    const known = this.leader?.beacon.epoch
    this.leader = { beacon, heardAt: now }
    this.#newest = beacon.epoch
    this.#older = undefined
    if (known === beacon.epoch) return this.tick(now, agentId)
    const effects = this.#end({ code: 'NEW_LEADER', detail: `epoch ${beacon.epoch} has begun` })
    this.#refused = undefined
    this.#announceAt = now
    return [...effects, ...this.tick(now, agentId)]
  }

  /** A frame from a master; one of another epoch than the leader's is ignored. */
  frame(now: number, frame: LinkFrame): AgentEffect[] {
    if (this.#stopped || frame.epoch !== this.leader?.beacon.epoch) return []
    const session = this.#session
    if (session && frame.session === session.number) return this.#sessionFrame(now, session, frame)
    if (session) return []
    if (frame.kind === 'TURN' && frame.ack === this.#announcement) return this.#begin(now, frame)
    if (frame.kind === 'CLOSE' && frame.session === this.#announcement)
      return this.#refuse(now, frame.reason ?? 'the leader refuses this agent')
    return []
  }

  /** Queues a message, which `flush` sends; false when there is no session, or it ended here. */
  send(now: number, payload: Uint8Array): { accepted: boolean; effects: AgentEffect[] } {
    const session = this.#session
    if (!session) return { accepted: false, effects: [] }
    const end = session.queue(now, payload)
    if (end) return { accepted: false, effects: this.#close(now, end) }
    return { accepted: true, effects: [] }
  }

  /** Sends what was queued. */
  flush(now: number): AgentEffect[] {
    return this.#session ? this.#flush(now, this.#session) : []
  }

  /** Time has passed. */
  tick(now: number, agentId: string | undefined): AgentEffect[] {
    if (this.#stopped || !this.leader || !this.#busUp) return []
    const session = this.#session
    if (!session) return now >= this.#announceAt ? this.#announce(now, agentId) : []
    if (now - this.leader.heardAt > leaderSilence) session.excuse(now)
    const stalled = session.stalled(now)
    if (stalled) return this.#close(now, stalled)
    const effects = this.#flush(now, session)
    if (effects.length === 0 && now - this.#lastSent >= heartbeatAfter)
      effects.push(this.#publish(now, session.ack('HEARTBEAT')))
    return effects
  }

  /** When `tick` has something to do at the latest, if nothing else happens before; undefined: not before something does. */
  nextTick(now: number): number | undefined {
    if (this.#stopped || !this.leader || !this.#busUp) return undefined
    if (!this.#session) return this.#announceAt
    return this.#session.unsettled ? now + tickEvery : this.#lastSent + heartbeatAfter
  }

  /** What was received is acknowledged, unless another frame said it already. */
  acknowledge(now: number): AgentEffect[] {
    return this.#session?.owesAck && this.#busUp ? [this.#publish(now, this.#session.ack('ACK'))] : []
  }

  get owesAck(): boolean {
    return this.#session?.owesAck ?? false
  }

  /** The bus was lost or has returned. */
  bus(now: number, up: boolean, agentId: string | undefined): AgentEffect[] {
    this.#busUp = up
    if (!up) return []
    this.#session?.resendNow(now)
    this.#announceAt = Math.min(this.#announceAt, now)
    return this.tick(now, agentId)
  }

  /** A received message does not decode: skipping it would break the order. */
  unreadable(now: number, detail: string): AgentEffect[] {
    return this.#close(now, { code: 'GAP', detail })
  }

  stop(now: number): AgentEffect[] {
    const effects = this.#close(now, { code: 'STOPPED', detail: 'the agent stops' })
    this.#stopped = true
    return effects
  }

  #announce(now: number, agentId: string | undefined): AgentEffect[] {
    const { epoch, format } = this.leader!.beacon
    const refused = refusal(format, 'leading master')
    if (refused !== undefined) return this.#refuse(now, refused)
    this.#announceAt = now + (this.#refused === undefined ? announceAfter : refusedAnnounceAfter)
    const frame: LinkFrame = { epoch, session: this.#announcement, kind: 'ANNOUNCE', version: common(format!) }
    return [this.#publish(now, agentId === undefined ? frame : { ...frame, agent_id: agentId })]
  }

  /** Whether the leader of this older epoch, just heard, is the only one heard for longer than a deposed one lives. */
  #isAlone(now: number, epoch: number): boolean {
    if (this.#older?.epoch !== epoch || now - this.#older.heardAt > leaderSilence)
      this.#older = { epoch, since: now, heardAt: now }
    this.#older.heardAt = now
    return now - this.#older.since >= deposedAtMost
  }

  /** Said once for each epoch, and only when nobody newer is there. */
  #refuseOlder(epoch: number): AgentEffect[] {
    const detail = `the leader of epoch ${epoch} is older than that of epoch ${this.#newest}, which this agent followed; when it is the only one for ${deposedAtMost / 1000} s it is followed`
    if (this.#session || this.#refused === detail) return []
    this.#refused = detail
    return [{ kind: 'ended', reason: { code: 'REFUSED', detail } }]
  }

  #refuse(now: number, detail: string): AgentEffect[] {
    this.#announceAt = now + refusedAnnounceAfter
    if (this.#refused === detail) return []
    this.#refused = detail
    return [{ kind: 'ended', reason: { code: 'REFUSED', detail } }]
  }

  #begin(now: number, turn: LinkFrame): AgentEffect[] {
    const refused = refusal(turn.version, 'leading master')
    if (refused !== undefined) return this.#refuse(now, refused)
    const { epoch, master_info } = this.leader!.beacon
    this.#refused = undefined
    this.#session = new Session(epoch, turn.session, { slowStart: true, format: common(turn.version!) })
    return [this.#publish(now, this.#session.ack('OPEN')), { kind: 'opened', master: master_info, epoch }]
  }

  #sessionFrame(now: number, session: Session, frame: LinkFrame): AgentEffect[] {
    if (frame.kind === 'CLOSE') {
      this.#announceAt = Math.max(now, this.#announceAt)
      return this.#end({ code: 'CLOSED_BY_PEER', detail: frame.reason ?? 'the leader closed the session' })
    }
    // Our answer to it was lost, or is on its way.
    if (frame.kind === 'TURN') return [this.#publish(now, session.ack('OPEN'))]
    const { messages, end } = session.receive(now, frame)
    if (end) return this.#close(now, end)
    return [...messages.map(payload => ({ kind: 'received' as const, payload })), ...this.#flush(now, session)]
  }

  #flush(now: number, session: Session): AgentEffect[] {
    return this.#busUp ? session.take(now).map(frame => this.#publish(now, frame)) : []
  }

  #publish(now: number, frame: LinkFrame): AgentEffect {
    this.#lastSent = now
    return { kind: 'publish', epoch: frame.epoch, frame }
  }

  /** Ends the session from this side; the peer is told, once. */
  #close(now: number, reason: LinkEnd): AgentEffect[] {
    const session = this.#session
    if (!session) return []
    const frame: LinkFrame = {
      epoch: session.epoch,
      session: session.number,
      kind: 'CLOSE',
      reason: `${reason.code}: ${reason.detail}`,
    }
    this.#announceAt = now
    return [this.#publish(now, frame), ...this.#end(reason)]
  }

  /** A session begins with a new announcement, so that nothing meant for the old one opens it. */
  #end(reason: LinkEnd): AgentEffect[] {
    this.#announcement += 1
    if (!this.#session) return []
    this.#session = undefined
    return [{ kind: 'ended', reason }]
  }
}
