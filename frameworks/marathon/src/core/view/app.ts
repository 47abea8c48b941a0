import type { Instance } from '../instance.ts'
import { isActive } from '../instance.ts'
import type { App, AppService, Millis } from '../model.ts'
import type { State } from '../state.ts'
import { countTasks, tasksOf } from './task.ts'

/** What is added to an app where it is asked for (contract 2, embeds). */
export type Embed = 'tasks' | 'counts' | 'deployments' | 'readiness' | 'lastTaskFailure' | 'taskStats'

/** An app in the form of answers (contract 3 and 6.1), without anything embedded. */
export function plainApp(service: AppService): App & Record<string, unknown> {
  return {
    ...service.spec,
    version: service.version,
    versionInfo: { lastScalingAt: service.lastScalingAt, lastConfigChangeAt: service.lastConfigChangeAt },
  }
}

const known: Readonly<Record<string, readonly Embed[]>> = {
  tasks: ['tasks', 'deployments'],
  counts: ['counts'],
  deployments: ['deployments'],
  readiness: ['readiness'],
  lastTaskFailure: ['lastTaskFailure'],
  failures: ['lastTaskFailure', 'tasks', 'deployments'],
  taskStats: ['taskStats'],
}

/** Reads embeds as they are asked for: `app.tasks`, `apps.tasks`, `group.apps.tasks`, `tasks`; unknown ones are ignored. */
export function readEmbeds(asked: readonly string[]): Set<Embed> {
  const embeds = new Set<Embed>()
  for (const one of asked) {
    const name = /^(?:app\.|apps\.|group\.apps\.)?(\w+)$/.exec(one)?.[1] ?? ''
    for (const embed of (Object.hasOwn(known, name) && known[name]) || []) embeds.add(embed)
  }
  return embeds
}

export function appView(
  state: State,
  service: AppService,
  embeds: ReadonlySet<Embed>,
  now: Millis,
): Record<string, unknown> {
  const { id } = service.spec
  const view: Record<string, unknown> = plainApp(service)
  if (embeds.has('counts')) Object.assign(view, appCounts(state, id))
  if (embeds.has('deployments')) view.deployments = deploymentsOf(state, id)
  if (embeds.has('tasks')) view.tasks = tasksOf(state, id)
  if (embeds.has('readiness')) view.readinessCheckResults = readinessOf(state, id)
  if (embeds.has('lastTaskFailure') && state.failures.has(id)) view.lastTaskFailure = state.failures.get(id)
  if (embeds.has('taskStats')) {
    const stats = taskStats(state, service, now)
    // Marathon writes one of these names, the old pages read the other (contract 6.1; dashboard contract 2).
    view.tasksStats = stats
    view.taskStats = stats
  }
  return view
}

export function appCounts(state: State, id: string): Record<string, number> {
  const counts = countTasks(state, state.instancesOf(id))
  return {
    tasksStaged: counts.staged,
    tasksRunning: counts.running,
    tasksHealthy: counts.healthy,
    tasksUnhealthy: counts.unhealthy,
  }
}

export function deploymentsOf(state: State, id: string): { id: string }[] {
  const deployment = state.lockedBy.get(id)
  return deployment === undefined ? [] : [{ id: deployment }]
}

export const readinessOf = (state: State, id: string): Record<string, unknown>[] =>
  state.instancesOf(id).flatMap(instance => {
    const result = state.ready.get(instance.id)
    const [task] = instance.tasks
    return result === undefined || task === undefined ? [] : [{ ...result, taskId: task.id }]
  })

function taskStats(state: State, service: AppService, now: Millis): Record<string, unknown> {
  const instances = state.instancesOf(service.spec.id).filter(instance => isActive(instance.condition))
  const scaledAt = Date.parse(service.lastScalingAt)
  const parts: Record<string, Instance[]> = {
    startedAfterLastScaling: instances.filter(instance => (instance.stagedAt ?? 0) > scaledAt),
    withLatestConfig: instances.filter(instance => instance.config === service.lastConfigChangeAt),
    withOutdatedConfig: instances.filter(instance => instance.config !== service.lastConfigChangeAt),
    totalSummary: instances,
  }
  const stats: Record<string, unknown> = {}
  for (const [name, some] of Object.entries(parts))
    if (some.length > 0) stats[name] = { stats: statsOf(state, some, now) }
  return stats
}

function statsOf(state: State, instances: readonly Instance[], now: Millis): Record<string, unknown> {
  const lives = instances
    .map(instance => instance.startedAt)
    .filter(at => at !== undefined)
    .map(at => (now - at) / 1000)
    .sort((a, b) => a - b)
  const counts = countTasks(state, instances)
  if (lives.length === 0) return { counts }
  const middle = Math.floor(lives.length / 2)
  const medianSeconds = lives.length % 2 === 1 ? lives[middle] : ((lives[middle - 1] ?? 0) + (lives[middle] ?? 0)) / 2
  return { counts, lifeTime: { averageSeconds: lives.reduce((a, b) => a + b, 0) / lives.length, medianSeconds } }
}

/** The body of the feed's `app` (docs/architecture.md): what lists show; the environment by its names only. */
export function appFeedView(state: State, service: AppService): Record<string, unknown> {
  const { spec } = service
  return {
    id: spec.id,
    version: service.version,
    versionInfo: { lastScalingAt: service.lastScalingAt, lastConfigChangeAt: service.lastConfigChangeAt },
    instances: spec.instances,
    cpus: spec.cpus,
    mem: spec.mem,
    disk: spec.disk,
    gpus: spec.gpus,
    ...(spec.cmd !== undefined && { cmd: spec.cmd }),
    ...(spec.container?.docker && { image: spec.container.docker.image }),
    labels: spec.labels,
    networks: spec.networks,
    portDefinitions: spec.portDefinitions ?? [],
    ...(spec.container?.portMappings && { portMappings: spec.container.portMappings }),
    env_keys: Object.keys(spec.env),
    healthChecks: spec.healthChecks.length,
    role: spec.role,
    deployments: deploymentsOf(state, spec.id),
    ...appCounts(state, spec.id),
    ...(state.failures.has(spec.id) && { lastTaskFailure: state.failures.get(spec.id) }),
  }
}
