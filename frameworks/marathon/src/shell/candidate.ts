import type { Candidacy, Election } from '@meseta/common/coordination/election'
import type { Health } from '@meseta/common/service/health'

export interface CandidateOptions {
  readonly election: Election
  readonly path: string
  readonly health: Health
  failed(error: Error): void
}

const label = 'member_'

/** This process as a candidate for leadership: it leads once, and with the loss of it the process ends (contract 14). */
export class Candidate {
  readonly #options: CandidateOptions
  readonly #unwatch: () => void
  #candidacy: Candidacy | undefined
  #leader: string | undefined
  #left = false

  constructor(options: CandidateOptions) {
    this.#options = options
    this.#unwatch = options.election.watch(options.path, label, members => {
      const [first] = members
      this.#leader = first === undefined ? undefined : Buffer.from(first.data).toString('utf8')
    })
  }

  /** `host:port` of the leader, as far as is known. */
  get leader(): string | undefined {
    return this.#leader
  }

  /** Joins the election as `host:port`; `lead` is called when it is won. */
  run(self: string, lead: () => Promise<void>): void {
    this.#run(self, lead).catch((error: Error) => {
      if (!this.#left) this.#options.failed(error)
    })
  }

  async #run(self: string, lead: () => Promise<void>): Promise<void> {
    const { election, path, failed, health } = this.#options
    const candidacy = await election.contend(path, label, Buffer.from(self))
    this.#candidacy = candidacy
    if (this.#left) {
      await candidacy.withdraw()
      return
    }
    void candidacy.ended.then(reason => {
      if (this.#left) return
      health.set('leader', 'down', `the leadership or candidacy is lost: ${reason}`)
      failed(new Error(`the leadership or candidacy is lost: ${reason}`))
    })
    await candidacy.elected
    if (!this.#left) await lead()
  }

  async withdraw(): Promise<void> {
    this.#left = true
    this.#unwatch()
    await this.#candidacy?.withdraw().catch(() => {})
  }
}
