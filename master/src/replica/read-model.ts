import { Audience, type FeedLog, feedType } from '@meseta/common/feed/serve'
import { FeedWriter } from '@meseta/common/feed/writer'
import type { MasterInfo } from '@meseta/common/protocol/mesos'
import type { Clock } from '@meseta/common/service/clock'
import { HttpError } from '@meseta/common/service/errors'
import { callbackOf, scripted } from '../api/jsonp.ts'
import { legacyReads } from '../api/legacy-reads.ts'
import { readCall } from '../api/operator-reads.ts'
import { OperatorStreams } from '../api/operator-stream.ts'
import type { ReadReply } from '../api/transport.ts'
import type { Change } from '../state/changes.ts'
import type { MasterFacts } from './facts.ts'
import { answerInPages } from './pages.ts'
import type { ReadCounts, ReadRequest, ReadSide, ResourceSums } from './read-side.ts'
import { Replica } from './replica.ts'
import type { Bounds, Frozen, Tables } from './tables.ts'
import { type Viewer, type ViewRules, type Views, viewsBy } from './views.ts'

/** Answers that are written at a time: each keeps the state of its moment. More wait in line. */
const maxAnswers = 64
const maxWaiting = 1_000

export const feedPath = '/meseta/v1/feed'

export interface ReadLog extends FeedLog {
  error(fields: object, message: string): void
}

export interface ReadModelOptions {
  readonly clock: Clock
  readonly log: ReadLog
  readonly feedEpoch: string
  readonly facts: MasterFacts
  readonly masters: readonly MasterInfo[]
  readonly bounds: Bounds
  /** Streams of operators; one more ends the oldest. */
  readonly maxOperatorStreams?: number
  readonly rules: ViewRules
}

/** The read side itself, in the thread that made it. */
export class ReadModel implements ReadSide {
  readonly #replica: Replica
  readonly #streams: OperatorStreams
  readonly #audience: Audience
  readonly #log: ReadLog
  readonly #viewsOf: (viewer: Viewer) => Views
  readonly #waiting: (() => void)[] = []
  #answers = 0

  constructor({ clock, log, feedEpoch, facts, masters, bounds, rules, maxOperatorStreams }: ReadModelOptions) {
    const feed = new FeedWriter({ epoch: feedEpoch, clock })
    this.#log = log
    this.#viewsOf = viewsBy(rules)
    this.#replica = new Replica({ clock, feed, facts, bounds })
    this.#replica.masters = masters
    this.#streams = new OperatorStreams(clock, this.#replica, maxOperatorStreams)
    this.#audience = new Audience(feedPath, feed, { log, clock })
  }

  apply(seq: number, changes: readonly Change[]): void {
    this.#replica.apply(seq, changes)
  }

  setMasters(masters: readonly MasterInfo[]): void {
    this.#replica.masters = masters
  }

  handle(request: ReadRequest, reply: ReadReply): void {
    if (request.type === 'FEED') this.#follow(request, reply)
    else if (request.type === 'CALL' && request.call === 'SUBSCRIBE')
      this.#run(reply, reply => this.#streams.subscribe(reply, request.media, this.#viewsOf(request.viewer)))
    else if (this.#answers < maxAnswers) this.#answer(request, reply)
    else if (this.#waiting.length < maxWaiting) this.#waiting.push(() => this.#answer(request, reply))
    else reply.answer({ status: 503, headers: { 'retry-after': '5' }, body: 'Too many reads are under way\n' })
  }

  #answer(request: ReadRequest & { type: 'OLDER' | 'CALL' }, reply: ReadReply): void {
    this.#answers += 1
    const frozen: Frozen[] = []
    let isBroken = false
    let giveUp = () => {
      isBroken = true
    }
    const freeze: Tables['freeze'] = what => {
      const one = this.#replica.tables.freeze(what, () => giveUp())
      frozen.push(one)
      return one
    }
    /** An answer that takes so long that too much has to be kept for it breaks off. */
    const breakable: ReadReply = {
      answer: whole => reply.answer(whole),
      stream: headers => {
        const stream = reply.stream(headers)
        giveUp = () => stream.destroy()
        if (isBroken) giveUp()
        return stream
      },
    }
    const reading = { replica: this.#replica, freeze, views: this.#viewsOf(request.viewer) }
    this.#run(breakable, async reply => {
      try {
        if (request.type === 'CALL') {
          const write = await readCall(request.call, request.media, reading)
          await answerInPages(reply, { 'content-type': request.media }, write)
        } else {
          const query = new URLSearchParams(request.query)
          const write = legacyReads[request.route]!({ ...reading, query })
          const callback = callbackOf(query)
          if (typeof callback === 'object') reply.answer(callback)
          else if (callback === undefined) await answerInPages(reply, { 'content-type': 'application/json' }, write)
          else await answerInPages(reply, { 'content-type': 'text/javascript' }, scripted(callback, write))
        }
      } finally {
        for (const one of frozen) one.release()
        this.#answers -= 1
        this.#waiting.shift()?.()
      }
    })
  }

  /** An answer that can not be made says so, or breaks off where it has begun: nobody may take a part for the whole. */
  #run(reply: ReadReply, answer: (reply: ReadReply) => Promise<void>): void {
    let begun: ReturnType<ReadReply['stream']> | 'whole' | undefined
    answer({
      answer: whole => {
        begun = 'whole'
        reply.answer(whole)
      },
      stream: headers => {
        const stream = reply.stream(headers)
        begun = stream
        return stream
      },
    }).catch((error: Error) => {
      this.#log.error({ err: error }, 'a read failed')
      if (begun === undefined) reply.answer({ status: 500, headers: {}, body: 'The read failed\n' })
      else if (begun !== 'whole') begun.destroy()
    })
  }

  #follow({ after, kinds, peer }: ReadRequest & { type: 'FEED' }, reply: ReadReply): void {
    try {
      const query = { after, kinds: kinds && new Set(kinds), others: [] }
      this.#audience.admit(query, peer, () => reply.stream({ 'content-type': feedType }))
    } catch (error) {
      if (!(error instanceof HttpError)) throw error
      reply.answer({ status: error.status, headers: error.headers, body: `${error.message}\n` })
    }
  }

  /** What is applied is applied at once. */
  readonly behind = false

  get counts(): ReadCounts {
    const { total, used, offered } = this.#replica.tables
    const sums = (name: string): ResourceSums => ({
      total: total.nonRevocable().scalar(name),
      used: used.nonRevocable().scalar(name),
      offered: offered.scalar(name),
      revocableTotal: total.revocable().scalar(name),
      revocableUsed: used.revocable().scalar(name),
    })
    return {
      counts: this.#replica.counts(),
      resources: { cpus: sums('cpus'), gpus: sums('gpus'), mem: sums('mem'), disk: sums('disk') },
      subscribers: this.#streams.size,
    }
  }

  async stop(): Promise<void> {
    this.#streams.stop()
    this.#replica.stop()
  }
}
