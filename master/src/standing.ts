import type { Candidacy, Member } from '@meseta/common/coordination/election'
import { parseJson, stringify } from '@meseta/common/protocol/codec'
import type { MasterInfo } from '@meseta/common/protocol/mesos'
import type { Context } from '@meseta/common/service/component'
import type { Leadership } from './api/routes.ts'
import type { MasterFlags } from './flags.ts'
import type { Leader } from './leader.ts'
import type { Master } from './master.ts'

/** Under the path of the coordination url: `/mesos/json.info_0000000012` (Mesos contract 8.5). */
const path = '/'
const label = 'json.info_'

/** A process's part in the election: what it knows of who leads, and its own leadership once it is elected. */
export class Standing {
  readonly #context: Context<MasterFlags>
  readonly #masterInfo: MasterInfo
  readonly #newLeader: () => Leader
  #candidacy: Candidacy | undefined
  #off: (() => void) | undefined
  #masters: readonly MasterInfo[] = []
  #leader: Leader | undefined
  #since: number
  #stopping = false

  constructor(context: Context<MasterFlags>, masterInfo: MasterInfo, newLeader: () => Leader) {
    this.#context = context
    this.#masterInfo = masterInfo
    this.#newLeader = newLeader
    this.#since = context.clock.now()
  }

  get leadership(): Leadership {
    if (this.#leader) return { state: 'leading', api: this.#leader.api }
    const first = this.#masters[0]
    if (!first) return { state: 'unknown' }
    if (first.id === this.#masterInfo.id) return { state: 'leading', api: undefined }
    return { state: 'following', leader: `${first.hostname ?? first.address?.ip}:${first.port}` }
  }

  /** Since when its leadership is as it is, milliseconds since 1970. */
  get since(): number {
    return this.#since
  }

  /** The master of a process that leads. */
  get master(): Master | undefined {
    return this.#leader?.master
  }

  /** Of its leadership; none while it does not lead. */
  metrics(): Record<string, number> {
    return this.#leader?.metrics() ?? {}
  }

  async begin(): Promise<void> {
    const { election, fatal } = this.#context
    const data = Buffer.from(stringify('mesos.v1.MasterInfo', this.#masterInfo))
    this.#candidacy = await election.contend(path, label, data)
    this.#off = election.watch(path, label, members => this.#seen(members))
    void this.#candidacy.ended.then(reason => {
      if (!this.#stopping) fatal(new Error(`this master can not lead any longer: ${reason}`))
    })
    void this.#candidacy.elected.then(() => this.#lead())
  }

  /** Stops leading before it leaves the election, so that nobody else leads meanwhile. */
  async stop(): Promise<void> {
    if (this.#stopping) return
    this.#stopping = true
    this.#off?.()
    await this.#leader?.stop()
    await this.#candidacy?.withdraw()
  }

  async #lead(): Promise<void> {
    if (this.#stopping) return
    this.#leader = this.#newLeader()
    this.#leader.masters = this.#masters
    this.#since = this.#context.clock.now()
    try {
      await this.#leader.lead()
    } catch (error) {
      if (!this.#stopping)
        this.#context.fatal(new Error(`can not take over: ${(error as Error).message}`, { cause: error }))
    }
  }

  #seen(members: readonly Member[]): void {
    const before = this.leadership.state
    this.#masters = members.flatMap(({ data }) => readMember(data) ?? [])
    if (this.leadership.state !== before) this.#since = this.#context.clock.now()
    if (this.#leader) this.#leader.masters = this.#masters
  }
}

/** Other programs may stand in the same folder; what is no MasterInfo is passed over. */
function readMember(data: Uint8Array): MasterInfo | undefined {
  try {
    return parseJson('mesos.v1.MasterInfo', data)
  } catch {
    return undefined
  }
}
