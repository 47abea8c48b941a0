import type { ExecutorInfo, FrameworkInfo, OfferOperation, Resource, Task } from '@meseta/common/protocol/mesos'
import { normalize } from '@meseta/common/resources/formats'
import type { Resources } from '@meseta/common/resources/resources'
import { type Acls, authorizerOf } from '../security/acls.ts'

/** The principal that reads; undefined for one that has not said who it is. */
export type Viewer = string | undefined

/**
 * What one viewer may see (Mesos contract 8.2). Asked of each object as it is written into an answer, so each is quick, pure, and keeps its
 * mind for as long as one answer or stream lasts. What is not seen is left out without a word; sums count it all the same.
 *
 * Applied to: frameworks, their tasks and executors in /state, /state-summary, /frameworks, /tasks and GET_STATE, GET_FRAMEWORKS, GET_TASKS,
 * GET_EXECUTORS; to the snapshot and the events of an operator's SUBSCRIBE; roles in /roles, /weights, /quota, GET_ROLES, GET_WEIGHTS,
 * GET_QUOTA, the reservations of agents and operations on what is reserved; flags in /state.
 */
export interface Views {
  framework(info: FrameworkInfo): boolean
  /** `task.user` is who it runs as where that is not the framework's user. Also asked where the framework is not seen. */
  task(task: Pick<Task, 'user'>, framework: FrameworkInfo): boolean
  executor(executor: ExecutorInfo, framework: FrameworkInfo): boolean
  role(name: string): boolean
  /** What is set of a role's quota. */
  quota(role: string): boolean
  flags(): boolean
}

export const seesAll: Views = {
  framework: () => true,
  task: () => true,
  executor: () => true,
  role: () => true,
  quota: () => true,
  flags: () => true,
}

/** Who may see what, as a value that can be handed to another thread. */
export type ViewRules = Acls | undefined

/** The views of each viewer; without rules everybody sees all. */
export function viewsBy(rules: ViewRules): (viewer: Viewer) => Views {
  if (!rules) return () => seesAll
  const authorizer = authorizerOf(rules)
  return viewer => ({
    framework: ({ user }) => authorizer.allows(viewer, 'view_frameworks', user),
    task: ({ user }, framework) => authorizer.allows(viewer, 'view_tasks', user ?? framework.user),
    executor: ({ command }, framework) => authorizer.allows(viewer, 'view_executors', command?.user ?? framework.user),
    role: name => authorizer.allows(viewer, 'view_roles', name),
    quota: role => authorizer.allows(viewer, 'get_quotas', role),
    flags: () => authorizer.allows(viewer, 'view_flags'),
  })
}

const seesRole = (views: Views, { reservations }: Pick<Resource, 'reservations'>): boolean =>
  (reservations ?? []).every(({ role }) => views.role(role ?? '*'))

/** Of resources those that are reserved for no role that is hidden from a viewer. */
export const seen = (resources: Resources, views: Views): Resources =>
  views === seesAll ? resources : resources.filter(resource => seesRole(views, resource))

/** The same of a list as it came. */
export const seenOf = (list: readonly Resource[], views: Views): Resource[] =>
  list.filter(resource => views === seesAll || seesRole(views, normalize(resource)))

/** Whether all that an operation touches is reserved for roles that a viewer may see. */
export function seesOperation(views: Views, { reserve, unreserve, create, destroy, ...one }: OfferOperation): boolean {
  const resources = [
    ...(reserve?.resources ?? []),
    ...(reserve?.source ?? []),
    ...(unreserve?.resources ?? []),
    ...(create?.volumes ?? []),
    ...(destroy?.volumes ?? []),
    ...[one.grow_volume?.volume, one.shrink_volume?.volume].flatMap(volume => volume ?? []),
    ...[one.create_disk?.source, one.destroy_disk?.source].flatMap(disk => disk ?? []),
  ]
  return seenOf(resources, views).length === resources.length
}
