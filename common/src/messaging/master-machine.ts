import type { LinkFrame } from './frames.ts'
import type { LinkEnd } from './link.ts'
import { refusal } from './link-version.ts'
import { Session } from './session.ts'
import { Turns } from './turns.ts'

/** An agent says something each 5 s; after this silence nothing is concluded from its missing answers. Milliseconds. */
const agentSilence = 12_000

/** What the machine wants done, in this order. */
export type MasterEffect =
  | { readonly kind: 'publish'; readonly link: string; readonly frame: LinkFrame }
  | { readonly kind: 'opened'; readonly link: string; readonly agentId: string | undefined }
  | { readonly kind: 'received'; readonly link: string; readonly payload: Uint8Array }
  | { readonly kind: 'ended'; readonly link: string; readonly reason: LinkEnd }

interface Peer {
  readonly link: string
  heardAt: number
  /** The session in use. */
  session: Session | undefined
  /** The announcement that began it. */
  announcement: number
  /** A session that was granted, until the agent's first frame in it. */
  granted:
    | { readonly session: Session; readonly announcement: number; readonly agentId: string | undefined }
    | undefined
}

export interface MasterMachineOptions {
  readonly epoch: number
  readonly turns: { readonly agents: number; readonly bytes: number }
  /** The format written on the link. */
  readonly format: number
}

/**
 * The leader's side of the link with all agents, as a pure machine. Its work is proportional to what happens and to what
 * is unacknowledged, never to the number of agents. Times are monotonic milliseconds.
 */
export class MasterMachine {
  readonly #epoch: number
  readonly #format: number
  readonly #turns: Turns
  readonly #peers = new Map<string, Peer>()
  readonly #unsettled = new Set<Peer>()
  /** Those with messages that were queued since the last `flush`. */
  readonly #queued = new Set<Peer>()
  readonly #owing = new Set<Peer>()
  #lastSession = 0
  #busUp = true

  constructor({ epoch, turns, format }: MasterMachineOptions) {
    this.#epoch = epoch
    this.#format = format
    this.#turns = new Turns(turns)
  }

  /** Whether some agent is owed an acknowledgement. */
  get owesAcks(): boolean {
    return this.#owing.size > 0
  }

  /** A frame that an agent sent; one of another epoch is ignored. */
  frame(now: number, link: string, frame: LinkFrame): MasterEffect[] {
    if (frame.epoch !== this.#epoch) return []
    if (frame.kind === 'ANNOUNCE') return this.#announced(now, link, frame)
    const peer = this.#peers.get(link)
    if (peer?.session?.number === frame.session) return this.#sessionFrame(now, peer, peer.session, frame)
    if (peer?.granted?.session.number === frame.session) return this.#open(now, peer, frame)
    return frame.kind === 'CLOSE' ? [] : [this.#closing(link, frame.session, 'the leader does not know this session')]
  }

  /** Queues a message, which `flush` sends; false when the agent has no session, or it ended here. */
  send(now: number, link: string, payload: Uint8Array): { accepted: boolean; effects: MasterEffect[] } {
    const peer = this.#peers.get(link)
    if (!peer?.session) return { accepted: false, effects: [] }
    const end = peer.session.queue(now, payload)
    if (end) return { accepted: false, effects: this.#close(now, peer, peer.session, end) }
    this.#queued.add(peer)
    return { accepted: true, effects: [] }
  }

  /** Sends what was queued; those for one agent go together. */
  flush(now: number): MasterEffect[] {
    const effects: MasterEffect[] = []
    for (const peer of this.#queued) if (peer.session) effects.push(...this.#flush(now, peer, peer.session))
    this.#queued.clear()
    return effects
  }

  close(now: number, link: string, reason: LinkEnd): MasterEffect[] {
    const peer = this.#peers.get(link)
    return peer?.session ? this.#close(now, peer, peer.session, reason) : []
  }

  /** Time has passed; called several times a second. Looks at what is unacknowledged and at turns, nothing else. */
  tick(now: number): MasterEffect[] {
    if (!this.#busUp) return []
    const effects: MasterEffect[] = []
    for (const peer of [...this.#unsettled]) {
      const session = peer.session
      if (!session?.unsettled) {
        this.#unsettled.delete(peer)
        continue
      }
      if (now - peer.heardAt > agentSilence) session.excuse(now)
      const stalled = session.stalled(now)
      effects.push(...(stalled ? this.#close(now, peer, session, stalled) : this.#flush(now, peer, session)))
    }
    for (const link of this.#turns.expire(now)) this.#ungrant(link)
    effects.push(...this.#grant(now))
    return effects
  }

  /** Acknowledgements that no other frame has carried. */
  acknowledge(): MasterEffect[] {
    if (!this.#busUp) return []
    const effects: MasterEffect[] = []
    for (const { link, session } of this.#owing)
      if (session?.owesAck) effects.push({ kind: 'publish', link, frame: session.ack('ACK') })
    this.#owing.clear()
    return effects
  }

  /** The bus was lost or has returned. */
  bus(now: number, up: boolean): MasterEffect[] {
    this.#busUp = up
    if (!up) return []
    for (const { session } of this.#unsettled) session?.resendNow(now)
    return this.tick(now)
  }

  /** Ends all sessions. */
  stop(now: number): MasterEffect[] {
    return [...this.#peers.keys()].flatMap(link =>
      this.close(now, link, { code: 'STOPPED', detail: 'the master stops or no longer leads' }),
    )
  }

  #announced(now: number, link: string, frame: LinkFrame): MasterEffect[] {
    const refused = refusal(frame.version, 'agent')
    if (refused !== undefined) return [this.#closing(link, frame.session, refused)]
    const peer = this.#peers.get(link)
    if (peer?.granted?.announcement === frame.session) return [this.#turn(link, peer.granted.session, frame.session)]
    // An announcement that was overtaken by its own session.
    if (peer?.session && peer.announcement === frame.session) return []
    this.#turns.announce(now, { link, announcement: frame.session, agentId: frame.agent_id, format: frame.version! })
    return this.#grant(now)
  }

  #grant(now: number): MasterEffect[] {
    const effects: MasterEffect[] = []
    for (let next = this.#turns.next(now); next; next = this.#turns.next(now)) {
      const { link, announcement, agentId, format } = next
      this.#lastSession += 1
      const session = new Session(this.#epoch, this.#lastSession, {
        slowStart: false,
        format: Math.min(this.#format, format),
      })
      const peer = this.#peers.get(link) ?? {
        link,
        heardAt: now,
        session: undefined,
        announcement: 0,
        granted: undefined,
      }
      peer.granted = { session, announcement, agentId }
      this.#peers.set(link, peer)
      effects.push(this.#turn(link, session, announcement))
    }
    return effects
  }

  #turn(link: string, session: Session, announcement: number): MasterEffect {
    const frame: LinkFrame = {
      epoch: this.#epoch,
      session: session.number,
      kind: 'TURN',
      ack: announcement,
      version: this.#format,
    }
    return { kind: 'publish', link, frame }
  }

  #open(now: number, peer: Peer, frame: LinkFrame): MasterEffect[] {
    const { session, announcement, agentId } = peer.granted!
    const effects: MasterEffect[] = []
    if (peer.session)
      effects.push({ kind: 'ended', link: peer.link, reason: { code: 'NEW_SESSION', detail: 'the agent began anew' } })
    Object.assign(peer, { session, announcement, granted: undefined })
    effects.push({ kind: 'opened', link: peer.link, agentId })
    return [...effects, ...this.#sessionFrame(now, peer, session, frame)]
  }

  #sessionFrame(now: number, peer: Peer, session: Session, frame: LinkFrame): MasterEffect[] {
    const { link } = peer
    peer.heardAt = now
    if (frame.kind === 'CLOSE')
      return [
        ...this.#end(peer, { code: 'CLOSED_BY_PEER', detail: frame.reason ?? 'the agent closed it' }),
        ...this.#grant(now),
      ]
    const { messages, end } = session.receive(now, frame)
    if (end) return this.#close(now, peer, session, end)
    this.#turns.progress(now, link)
    if (session.owesAck) this.#owing.add(peer)
    const effects: MasterEffect[] = messages.map(payload => ({ kind: 'received', link, payload }))
    if (session.unsettled) effects.push(...this.#flush(now, peer, session))
    if (messages.length > 0 && this.#turns.has(link)) {
      this.#turns.done(link)
      effects.push(...this.#grant(now))
    }
    return effects
  }

  #flush(now: number, peer: Peer, session: Session): MasterEffect[] {
    this.#unsettled.add(peer)
    if (!this.#busUp) return []
    return session.take(now).map(frame => ({ kind: 'publish', link: peer.link, frame }))
  }

  #closing(link: string, session: number, reason: string): MasterEffect {
    return { kind: 'publish', link, frame: { epoch: this.#epoch, session, kind: 'CLOSE', reason } }
  }

  #close(now: number, peer: Peer, session: Session, reason: LinkEnd): MasterEffect[] {
    const closing = this.#closing(peer.link, session.number, `${reason.code}: ${reason.detail}`)
    return [closing, ...this.#end(peer, reason), ...this.#grant(now)]
  }

  #end(peer: Peer, reason: LinkEnd): MasterEffect[] {
    peer.session = undefined
    this.#unsettled.delete(peer)
    this.#queued.delete(peer)
    this.#owing.delete(peer)
    if (!peer.granted) {
      this.#turns.done(peer.link)
      this.#peers.delete(peer.link)
    }
    return [{ kind: 'ended', link: peer.link, reason }]
  }

  #ungrant(link: string): void {
    const peer = this.#peers.get(link)
    if (!peer?.granted) return
    peer.granted = undefined
    if (!peer.session) this.#peers.delete(link)
  }
}
