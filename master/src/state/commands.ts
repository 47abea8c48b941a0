import type {
  AgentInfo,
  AgentToMaster,
  DrainInfo,
  MachineID,
  MachineInfoMode,
  MaintenanceSchedule,
  MasterCall,
  QuotaQuotaConfig,
  SchedulerCall,
  WeightInfo,
} from '@meseta/common/protocol/mesos'

/** The time of a step, both in milliseconds: what people read, and what durations are measured on. */
export interface Now {
  readonly wall: number
  readonly monotonic: number
}

/** One agent in the registry (Mesos contract 7.1). */
export type RegistryEntry =
  | {
      readonly state: 'admitted'
      readonly info: AgentInfo
      readonly drain?: DrainInfo | undefined
      readonly deactivated?: boolean | undefined
      /** Over which it registered, where agents are authenticated. */
      readonly link?: string | undefined
    }
  | {
      readonly state: 'unreachable'
      readonly since: number
      readonly drain?: DrainInfo | undefined
      readonly deactivated?: boolean | undefined
      readonly link?: string | undefined
    }
  | { readonly state: 'gone'; readonly since: number }

export interface RegisteredAgent {
  readonly id: string
  readonly entry: RegistryEntry
}

/** What operators set for the whole cluster (Mesos contract 7.1). Each field is one record of the registry. */
export interface Settings {
  readonly weights: readonly WeightInfo[]
  readonly quotas: readonly QuotaQuotaConfig[]
  readonly maintenance: Maintenance
}

export interface Maintenance {
  readonly schedule: MaintenanceSchedule
  /** Machines that are DRAINING or DOWN; all others are UP. */
  readonly machines: readonly { readonly id: MachineID; readonly mode: MachineInfoMode }[]
}

export const noSettings: Settings = { weights: [], quotas: [], maintenance: { schedule: {}, machines: [] } }

/** What the world tells the heart. All values can be serialised. */
export type Command =
  /** The registry was read; before it nothing else comes. */
  | { readonly type: 'RECOVERED'; readonly agents: readonly RegisteredAgent[]; readonly settings: Settings }
  | { readonly type: 'LINK_OPENED'; readonly link: string; readonly agentId: string | undefined }
  | { readonly type: 'LINK_MESSAGE'; readonly link: string; readonly message: AgentToMaster }
  /** `restarted`: the agent's process began anew or left, so nothing it had in memory lives on. */
  | { readonly type: 'LINK_ENDED'; readonly link: string; readonly restarted: boolean }
  | { readonly type: 'HEARD'; readonly link: string }
  /** Each second. `hearsItself`: whether this master's own echo over the bus returns. */
  | { readonly type: 'TICK'; readonly hearsItself: boolean }
  /** The only hostnames whose agents are offered; undefined: all. */
  | { readonly type: 'WHITELIST'; readonly hostnames: readonly string[] | undefined }
  /** Allocate now to what changed (the answer to ALLOCATE_SOON). */
  | { readonly type: 'ALLOCATE' }
  /** The answer to PROBE. */
  | { readonly type: 'PROBED'; readonly agentId: string; readonly alive: boolean }
  /** The answer to PERSIST: the change is durable. */
  | { readonly type: 'PERSISTED'; readonly op: number }
  /**
   * A scheduler's call that its endpoint has decoded. `streamId` is the header's, or for SUBSCRIBE the id of the stream to open;
   * `principal` is who was authenticated.
   */
  | {
      readonly type: 'CALL'
      readonly request: number
      readonly call: SchedulerCall
      readonly streamId: string | undefined
      readonly principal?: string | undefined
    }
  | { readonly type: 'STREAM_BROKEN'; readonly streamId: string }
  /** The answer to MORE_FOLLOWS: the stream takes more. */
  | { readonly type: 'STREAM_READY'; readonly streamId: string }
  /** The scheduler does not drain its stream, or does again. */
  | { readonly type: 'STREAM_PRESSURE'; readonly streamId: string; readonly blocked: boolean }
  /** An operator's call that changes something, well formed (Mesos contract 3). The older endpoints are made into these. */
  | {
      readonly type: 'OPERATE'
      readonly request: number
      readonly call: MasterCall
      readonly principal?: string | undefined
    }
