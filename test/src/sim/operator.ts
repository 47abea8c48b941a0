import type { MasterCall } from '@meseta/common/protocol/mesos'
import type { Clock } from '@meseta/common/service/clock'
import type { SeededRandom } from '@meseta/common/sim/random'
import type { SimProcess, Simulation } from '@meseta/common/sim/simulation'
import type { Master } from '@meseta/master/master'

const actEvery = 4_000
const easeEvery = 3_000

/** Somebody who sets quotas and weights, takes agents out and gives them back, and plans maintenance; at random while there is trouble. */
export class ScriptedOperator {
  readonly #process: SimProcess
  readonly #clock: Clock
  readonly #random: SeededRandom
  readonly #simulation: Simulation
  readonly #leader: () => Master | undefined
  readonly #roles: readonly string[]
  #busy = true

  constructor({
    simulation,
    leader,
    roles,
  }: {
    readonly simulation: Simulation
    readonly leader: () => Master | undefined
    readonly roles: readonly string[]
  }) {
    this.#simulation = simulation
    this.#process = simulation.process('operator')
    this.#clock = this.#process.clock()
    this.#random = this.#process.random()
    this.#leader = leader
    this.#roles = roles
  }

  start(): void {
    this.#clock.every(actEvery, () => {
      if (this.#busy) this.#call(this.#anything())
    })
  }

  /** Takes back what was set, again and again: a master may still be on its way. */
  ease(): void {
    this.#busy = false
    this.#clock.every(easeEvery, () => {
      this.#call({ type: 'UPDATE_QUOTA', update_quota: { quota_configs: this.#roles.map(role => ({ role })) } })
      this.#call({ type: 'UPDATE_MAINTENANCE_SCHEDULE', update_maintenance_schedule: { schedule: {} } })
      for (const agent of this.#agents()) this.#call({ type: 'REACTIVATE_AGENT', reactivate_agent: agent })
    })
  }

  #agents(): { readonly agent_id: { readonly value: string } }[] {
    return [...(this.#leader()?.heart.cluster.agents.keys() ?? [])].map(id => ({ agent_id: { value: id } }))
  }

  #anything(): MasterCall | undefined {
    const random = this.#random
    const role = random.pick(this.#roles)
    const agents = this.#agents()
    const agent = agents.length > 0 ? random.pick(agents) : undefined
    const calls: (MasterCall | undefined)[] = [
      { type: 'UPDATE_WEIGHTS', update_weights: { weight_infos: [{ role, weight: 1 + random.int(3) }] } },
      this.#quota(role),
      this.#quota(role),
      this.#maintenance(),
      agent && { type: 'DEACTIVATE_AGENT', deactivate_agent: agent },
      agent && { type: 'REACTIVATE_AGENT', reactivate_agent: agent },
      agent && { type: 'REACTIVATE_AGENT', reactivate_agent: agent },
      agent && { type: 'DRAIN_AGENT', drain_agent: { ...agent, max_grace_period: { seconds: 2 } } },
    ]
    return random.pick(calls)
  }

  #quota(role: string): MasterCall {
    const limits: Record<string, { value: number }> = this.#random.chance(0.7)
      ? { cpus: { value: 1 + this.#random.int(5) } }
      : {}
    return { type: 'UPDATE_QUOTA', update_quota: { quota_configs: [{ role, limits }], force: true } }
  }

  #maintenance(): MasterCall {
    const machine = { hostname: `agent-${1 + this.#random.int(3)}`, ip: '10.9.9.9' }
    const unavailability = { start: { nanoseconds: 0 } }
    const windows = this.#random.chance(0.5) ? [{ machine_ids: [machine], unavailability }] : []
    return { type: 'UPDATE_MAINTENANCE_SCHEDULE', update_maintenance_schedule: { schedule: { windows } } }
  }

  #call(call: MasterCall | undefined): void {
    const leader = this.#leader()
    if (!call || !leader?.recovered) return
    leader.operate(call, undefined, (status, message) => {
      this.#simulation.note('operator', `${call.type} ${status} ${message ?? ''}`)
      if (status >= 500) this.#simulation.fail(`${call.type} is answered ${status}: ${message}`)
    })
  }
}
