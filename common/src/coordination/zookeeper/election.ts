import type { Candidacy, Election, Member } from '../election.ts'
import { checkElection, sequenceOf } from '../election-paths.ts'
import { childOf } from '../paths.ts'
import { StoreError } from '../store.ts'
import { code, ephemeralSequential, type Stat } from './client.ts'
import { makeFolders, refused, secure, sync } from './records.ts'
import { isUnclear, type ZookeeperSession } from './session.ts'

/** The election of a ZooKeeper session: ephemeral sequential znodes that hold what each candidate said, as it said it. */
export class ZookeeperElection implements Election {
  readonly #session: ZookeeperSession
  readonly #secured: boolean
  /** Names of our own candidates, by folder and name: an interrupted creation is found again among those of our session that are not here. */
  readonly #own = new Set<string>()

  constructor(session: ZookeeperSession, secured: boolean) {
    this.#session = session
    this.#secured = secured
  }

  async contend(path: string, label: string, data: Uint8Array): Promise<Candidacy> {
    checkElection(path, label, data)
    const name = await this.#enter(path, label, Buffer.from(data))
    const sequence = sequenceOf(name, label)!
    const elected = Promise.withResolvers<void>()
    const ended = Promise.withResolvers<string>()
    const end = (reason: string) => {
      off()
      offState()
      this.#own.delete(childOf(path, name))
      ended.resolve(reason)
    }
    const offState = this.#session.onState(state => {
      if (state === 'lost') end('the ZooKeeper session was lost')
    })
    const off = this.#follow(path, label, sequences => {
      if (!sequences.includes(sequence)) end(`its record ${childOf(path, name)} is gone`)
      else if (sequences[0] === sequence) elected.resolve()
    })
    const withdraw = async () => {
      off()
      await this.#leave(childOf(path, name))
      end('withdrawn')
    }
    return { elected: elected.promise, ended: ended.promise, withdraw }
  }

  watch(path: string, label: string, changed: (members: readonly Member[]) => void): () => void {
    checkElection(path, label)
    let known = new Map<number, Uint8Array>()
    return this.#follow(path, label, async (sequences, isNewest) => {
      const next = new Map<number, Uint8Array>()
      for (const sequence of sequences) {
        const data = known.get(sequence) ?? (await this.#dataOf(path, label, sequence))
        if (data) next.set(sequence, data)
      }
      if (!isNewest()) return
      known = next
      changed([...next].map(([sequence, data]) => ({ sequence, data })))
    })
  }

  /** Tells the sequence numbers of all candidates, lowest first, at once and after each change. */
  #follow(
    path: string,
    label: string,
    tell: (sequences: readonly number[], isNewest: () => boolean) => void | Promise<void>,
  ): () => void {
    let reading = 0
    let over = false
    const read = async () => {
      reading += 1
      const mine = reading
      const isNewest = () => !over && mine === reading
      const sequences = await this.#sequences(path, label)
      if (isNewest()) await tell(sequences, isNewest)
    }
    const again = () =>
      void read().catch((error: unknown) => {
        if (over || (error instanceof StoreError && error.code === 'LOST')) return
        this.#session.log.warn({ err: error, path }, 'the candidates of an election could not be read; trying again')
        this.#session.clock.after(1_000, () => over || again())
      })
    const off = this.#session.watch(path, again)
    again()
    return () => {
      over = true
      off()
    }
  }

  async #sequences(path: string, label: string): Promise<number[]> {
    const full = this.#session.full(path)
    for (;;) {
      const { code: result, answers } = await this.#session.request<[string[] | null]>(
        path,
        this.#session.deadline(),
        (client, done) => client.a_get_children(full, false, done),
      )
      if (result === code.noNode) return []
      if (result === code.ok)
        return answers[0]!
          .map(name => sequenceOf(name, label))
          .filter(sequence => sequence !== undefined)
          .sort((a, b) => a - b)
      if (!isUnclear(result)) throw refused(path, result)
    }
  }

  async #dataOf(path: string, label: string, sequence: number): Promise<Uint8Array | undefined> {
    const full = this.#session.full(childOf(path, `${label}${String(sequence).padStart(10, '0')}`))
    for (;;) {
      const { code: result, answers } = await this.#session.request<[Stat | null, Buffer | null]>(
        path,
        this.#session.deadline(),
        (client, done) => client.a_get(full, false, done),
      )
      if (result === code.noNode) return undefined
      if (result === code.ok) return new Uint8Array(answers[1] ?? [])
      if (!isUnclear(result)) throw refused(path, result)
    }
  }

  /** Creates the candidate's znode, once. Answers its name. */
  async #enter(path: string, label: string, data: Buffer): Promise<string> {
    // A candidate that nobody knows of would lead without leading: there is no giving up but with the session.
    const deadline = Number.POSITIVE_INFINITY
    const full = this.#session.full(childOf(path, label))
    for (;;) {
      const { code: result, answers } = await this.#session.request<[string]>(path, deadline, (client, done) =>
        client.a_create(full, data, ephemeralSequential, done),
      )
      if (result === code.noNode) await makeFolders(this.#session, full, this.#secured, deadline)
      else if (result !== code.ok && !isUnclear(result)) throw refused(path, result)
      const created =
        result === code.ok ? answers[0] : isUnclear(result) ? await this.#findOwn(path, label, deadline) : undefined
      if (created === undefined) continue
      const name = created.slice(created.lastIndexOf('/') + 1)
      this.#own.add(childOf(path, name))
      if (this.#secured) await secure(this.#session, this.#session.full(childOf(path, name)), deadline)
      return name
    }
  }

  /** A candidate of this session that no candidacy knows: what an interrupted creation left. */
  async #findOwn(path: string, label: string, deadline: number): Promise<string | undefined> {
    await sync(this.#session, this.#session.full(path), deadline)
    for (const sequence of await this.#sequences(path, label)) {
      const name = `${label}${String(sequence).padStart(10, '0')}`
      if (this.#own.has(childOf(path, name))) continue
      const full = this.#session.full(childOf(path, name))
      for (;;) {
        const { code: result, answers } = await this.#session.request<[Stat | null]>(path, deadline, (client, done) =>
          client.a_exists(full, false, done),
        )
        if (isUnclear(result)) continue
        if (answers[0]?.createdInThisSession) return name
        break
      }
    }
    return undefined
  }

  /** Deletes a candidate's znode, however long the connection takes to return; with the session it is gone too. */
  async #leave(path: string): Promise<void> {
    const full = this.#session.full(path)
    for (;;) {
      const result = await this.#session
        .request<[]>(path, this.#session.deadline(), (client, done) => client.a_delete_(full, -1, done))
        .then(outcome => outcome.code, whyNot)
      if (result === code.ok || result === code.noNode || result === code.sessionExpired) return
      if (!isUnclear(result)) throw refused(path, result)
    }
  }
}

/** As a result code: no connection yet, or no session any more. */
function whyNot(error: unknown): number {
  if (error instanceof StoreError && error.code === 'UNAVAILABLE') return code.connectionLoss
  if (error instanceof StoreError && error.code === 'LOST') return code.sessionExpired
  throw error
}
