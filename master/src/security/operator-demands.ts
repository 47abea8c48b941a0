import type { MasterCall, MasterCallType, OfferOperation } from '@meseta/common/protocol/mesos'
import type { Action } from './actions.ts'
import { type Demand, demandsOf } from './operations.ts'

/** The principal of a framework, undefined where it has none. */
export type PrincipalOf = (frameworkId: string) => string | undefined

type Demands = (call: MasterCall, principalOf: PrincipalOf) => readonly Demand[]

const nothing: Demands = () => []
const one =
  (action: Action, object?: string): Demands =>
  () => [[action, object]]

/**
 * What an operator's call asks for (Mesos contract 8.2). Every call stands here: one that is new does not compile until it is said.
 * Calls that show frameworks, tasks, executors and roles leave out what may not be seen, and demand nothing.
 */
const demands: Readonly<Record<MasterCallType, Demands>> = {
  UNKNOWN: nothing,
  GET_HEALTH: nothing,
  GET_VERSION: nothing,
  GET_FLAGS: one('view_flags'),
  GET_METRICS: one('get_endpoints', '/metrics/snapshot'),
  GET_LOGGING_LEVEL: one('get_endpoints', '/logging/toggle'),
  SET_LOGGING_LEVEL: one('set_log_level'),
  LIST_FILES: one('access_mesos_logs'),
  READ_FILE: one('access_mesos_logs'),
  READ_LOG: one('access_mesos_logs'),
  GET_STATE: nothing,
  GET_AGENTS: nothing,
  GET_FRAMEWORKS: nothing,
  GET_EXECUTORS: nothing,
  GET_OPERATIONS: nothing,
  GET_TASKS: nothing,
  GET_ROLES: nothing,
  GET_WEIGHTS: nothing,
  GET_QUOTA: nothing,
  GET_MASTER: nothing,
  SUBSCRIBE: nothing,
  UPDATE_WEIGHTS: ({ update_weights: update }) => roles('update_weights', update?.weight_infos),
  UPDATE_QUOTA: ({ update_quota: update }) => roles('update_quotas', update?.quota_configs),
  SET_QUOTA: ({ set_quota: set }) => [['update_quotas', set?.quota_request.role]],
  REMOVE_QUOTA: ({ remove_quota: remove }) => [['update_quotas', remove?.role]],
  RESERVE_RESOURCES: ({ reserve_resources: reserve }) => operation({ type: 'RESERVE', reserve }),
  UNRESERVE_RESOURCES: ({ unreserve_resources: unreserve }) => operation({ type: 'UNRESERVE', unreserve }),
  CREATE_VOLUMES: ({ create_volumes: create }) => operation({ type: 'CREATE', create }),
  DESTROY_VOLUMES: ({ destroy_volumes: destroy }) => operation({ type: 'DESTROY', destroy }),
  GROW_VOLUME: ({ grow_volume: grow }) => operation({ type: 'GROW_VOLUME', grow_volume: grow }),
  SHRINK_VOLUME: ({ shrink_volume: shrink }) => operation({ type: 'SHRINK_VOLUME', shrink_volume: shrink }),
  GET_MAINTENANCE_SCHEDULE: one('get_maintenance_schedules'),
  GET_MAINTENANCE_STATUS: one('get_maintenance_statuses'),
  UPDATE_MAINTENANCE_SCHEDULE: one('update_maintenance_schedules'),
  START_MAINTENANCE: one('start_maintenances'),
  STOP_MAINTENANCE: one('stop_maintenances'),
  DRAIN_AGENT: ({ drain_agent: drain }) =>
    drain?.mark_gone
      ? [
          ['drain_agents', undefined],
          ['mark_agents_gone', undefined],
        ]
      : [['drain_agents', undefined]],
  DEACTIVATE_AGENT: one('deactivate_agents'),
  REACTIVATE_AGENT: one('reactivate_agents'),
  MARK_AGENT_GONE: one('mark_agents_gone'),
  TEARDOWN: ({ teardown }, principalOf) => [
    ['teardown_frameworks', teardown && principalOf(teardown.framework_id.value)],
  ],
}

export function operatorDemands(call: MasterCall, principalOf: PrincipalOf = () => undefined): readonly Demand[] {
  return demands[call.type ?? 'UNKNOWN'](call, principalOf)
}

const roles = (action: Action, list: readonly { role?: string }[] | undefined): readonly Demand[] =>
  (list ?? []).map(({ role }) => [action, role])

type Loose = { [Field in keyof OfferOperation]?: OfferOperation[Field] | undefined }
const operation = (given: Loose): readonly Demand[] => demandsOf(given as OfferOperation)
