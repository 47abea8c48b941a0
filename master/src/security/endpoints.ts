import type { Action, Authorizer } from './actions.ts'
import { type Demand, refusalOf } from './operations.ts'

/** The realms of the master (Mesos contract 8.1), each with its own switch. */
export type Realm = 'mesos-master-readonly' | 'mesos-master-readwrite' | 'mesos-master-scheduler'

/** Endpoints that never ask who calls. */
const open = new Set(['/', '/health', '/version', '/redirect'])

/** Endpoints that change something, and those that show what they change. */
const readwrite = new Set([
  '/api/v1',
  '/reserve',
  '/unreserve',
  '/create-volumes',
  '/destroy-volumes',
  '/weights',
  '/quota',
  '/maintenance/schedule',
  '/maintenance/status',
  '/machine/down',
  '/machine/up',
  '/teardown',
  '/logging/toggle',
])

/** The realm of an endpoint; what is not known is read only, so that nothing new stands open. */
export function realmOf(endpoint: string): Realm | undefined {
  if (open.has(endpoint)) return undefined
  if (endpoint === '/api/v1/scheduler') return 'mesos-master-scheduler'
  return readwrite.has(endpoint) ? 'mesos-master-readwrite' : 'mesos-master-readonly'
}

/**
 * Endpoints whose answers leave out what the viewer may not see, or hold nothing of frameworks. All others show everything, as the feed and
 * the explanations of offers do: one that is new stands open to nobody but those who may see all.
 */
const discreet = new Set([
  ...open,
  ...readwrite,
  '/api/v1/scheduler',
  '/state',
  '/state-summary',
  '/slaves',
  '/frameworks',
  '/tasks',
  '/roles',
  '/explain/task',
  '/flags',
  '/metrics',
  '/metrics/snapshot',
  '/files/browse',
  '/files/read',
  '/files/download',
  '/files/debug',
])
const viewActions: readonly Action[] = ['view_frameworks', 'view_tasks', 'view_executors', 'view_roles', 'get_quotas']

/**
 * Why a principal may not use an endpoint, or undefined (Mesos contract 8.2). Calls are asked by what they do, and reads of frameworks,
 * tasks, executors and roles leave out what may not be seen: neither is refused here.
 */
export function endpointRefusal(
  authorizer: Authorizer,
  principal: string | undefined,
  { endpoint, isRead, query }: { readonly endpoint: string; readonly isRead: boolean; readonly query: string },
): string | undefined {
  const refusal = refusalOf(authorizer, principal, demandsOf(endpoint, isRead, query))
  if (refusal !== undefined || discreet.has(endpoint)) return refusal
  const hidden = viewActions.find(action => !authorizer.allowsEvery(principal, action))
  return hidden && `Not authorized: ${endpoint} shows everything, and this principal may not ${hidden} of all`
}

function demandsOf(endpoint: string, isRead: boolean, query: string): readonly Demand[] {
  if (endpoint.startsWith('/files/'))
    return [
      ['get_endpoints', endpoint],
      ['access_mesos_logs', undefined],
    ]
  switch (endpoint) {
    case '/flags':
      return [['view_flags', undefined]]
    case '/maintenance/schedule':
      return isRead ? [['get_maintenance_schedules', undefined]] : []
    case '/maintenance/status':
      return [['get_maintenance_statuses', undefined]]
    case '/logging/toggle':
      return new URLSearchParams(query).has('level')
        ? [
            ['get_endpoints', endpoint],
            ['set_log_level', undefined],
          ]
        : [['get_endpoints', endpoint]]
    case '/metrics':
    case '/metrics/snapshot':
      return [['get_endpoints', endpoint]]
    default:
      return discreet.has(endpoint) ? [] : [['get_endpoints', endpoint]]
  }
}
