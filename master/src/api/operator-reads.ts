import type { MasterCallType, MasterResponse } from '@meseta/common/protocol/mesos'
import { jsonOf, type Lengths, measure, type Parts, protobufOf } from '../replica/message-parts.ts'
import { lengthOf, type Write, whole } from '../replica/pages.ts'
import type { Replica } from '../replica/replica.ts'
import { maintenanceStatus, quotaStatus, scheduleOf, weightInfos } from '../replica/settings-shapes.ts'
import type { Tables } from '../replica/tables.ts'
import {
  getAgents,
  getExecutors,
  getFrameworks,
  getOperations,
  getRoles,
  getState,
  getTasks,
} from '../replica/v1-shapes.ts'
import type { Views } from '../replica/views.ts'
import type { Reading } from './legacy-reads.ts'
import { type Media, writeMessage } from './media.ts'

// The v1 calls that read the cluster, answered by the read side (Mesos contract 3).

/** Replies that may be large: those that list agents, frameworks, executors or tasks. */
const inParts: Partial<Record<MasterCallType, (freeze: Tables['freeze'], views: Views) => Parts>> = {
  GET_STATE: (freeze, views) => getState(freeze({ tasks: true }), views),
  GET_TASKS: (freeze, views) => getTasks(freeze({ tasks: true }), views),
  GET_AGENTS: (freeze, views) => getAgents(freeze({ tasks: false }), views),
  GET_FRAMEWORKS: (freeze, views) => getFrameworks(freeze({ tasks: false }), views),
  GET_EXECUTORS: (freeze, views) => getExecutors(freeze({ tasks: false }), views),
  GET_OPERATIONS: (freeze, views) => getOperations(freeze({ tasks: false }), views),
}

const inOne: Partial<Record<MasterCallType, (replica: Replica, views: Views) => Omit<MasterResponse, 'type'>>> = {
  GET_ROLES: ({ tables, weights }, views) => ({ get_roles: getRoles(tables, weights, views) }),
  GET_WEIGHTS: ({ weights }, views) => ({ get_weights: { weight_infos: weightInfos(weights, views) } }),
  GET_MASTER: ({ facts: { masterInfo, startedAt, electedAt } }) => ({
    get_master: { master_info: masterInfo, start_time: startedAt / 1000, elected_time: electedAt / 1000 },
  }),
  GET_MAINTENANCE_STATUS: ({ tables }) => ({ get_maintenance_status: { status: maintenanceStatus(tables) } }),
  GET_MAINTENANCE_SCHEDULE: ({ tables }) => ({ get_maintenance_schedule: { schedule: scheduleOf(tables.settings) } }),
  GET_QUOTA: ({ tables }, views) => ({ get_quota: { status: quotaStatus(tables.settings, views) } }),
}

/** Whether a call is answered by the read side. */
export const isRead = (type: MasterCallType): boolean => type in inParts || type in inOne

/** The reply of a call, as it is now; what is written of it later is frozen. */
export function readCall(
  type: MasterCallType,
  media: Media,
  { replica, freeze, views }: Omit<Reading, 'query'>,
): Write | PromiseLike<Write> {
  const parts = inParts[type]?.(freeze, views)
  if (parts) {
    const field = type.toLowerCase()
    return writeParts(media, { name: 'mesos.v1.master.Response', small: { type }, fields: { [field]: parts } })
  }
  const reply = inOne[type]!(replica, views)
  const body = writeMessage('mesos.v1.master.Response', media, { type: type as 'GET_STATE', ...reply })
  return whole(body)
}

/** JSON at once; protobuf when it is known how long its parts are. */
export function writeParts(
  media: Media,
  parts: Parts,
  options: { readonly ascii?: boolean } = {},
): Write | PromiseLike<Write> {
  if (media === 'application/json') return page => jsonOf(page, parts, options.ascii)
  const lengths: Lengths = new Map()
  return lengthOf(page => measure(page, parts, lengths)).then(() => page => protobufOf(page, parts, lengths))
}
