import { Distribution } from '@meseta/common/service/distribution'

/** How long a leading master's own doings take, milliseconds (Mesos contract 9). */
export class Timings {
  /** From the wish for an allocation to its beginning. */
  readonly allocationLatency = new Distribution()
  /** The step that held an allocation: the run, and the offers made of it. */
  readonly allocationRun = new Distribution()
  readonly stateStore = new Distribution()
  /** Undefined until the registry has been read. */
  stateFetch: number | undefined

  metrics(): Record<string, number> {
    return {
      ...this.allocationRun.entries('allocator/mesos/allocation_run_ms'),
      ...this.allocationLatency.entries('allocator/mesos/allocation_run_latency_ms'),
      ...(this.stateFetch === undefined ? {} : { 'registrar/state_fetch_ms': this.stateFetch }),
      ...this.stateStore.entries('registrar/state_store_ms'),
      'registrar/log/recovered': this.stateFetch === undefined ? 0 : 1,
    }
  }
}
