import { changeOf, ignoredFields } from '../client/app-change.ts'
import type { ClusterOptions } from '../client/find-cluster.ts'
import {
  idPath,
  Marathon,
  type MarathonApp,
  type MarathonDeployment,
  type QueueItem,
  type Started,
} from '../client/marathon.ts'
import { milliseconds, whole } from '../client/numbers.ts'
import { readObject } from '../client/options.ts'
import { Router } from '../client/router.ts'
import { Failure } from '../output/failure.ts'
import { note, printJson, printLines, printRows } from '../output/print.ts'

export interface ReadOptions extends ClusterOptions {
  readonly json: boolean
  readonly quiet?: boolean
}

export interface ChangeOptions extends ClusterOptions {
  readonly json: boolean
  readonly force?: boolean
  readonly wait?: boolean
  readonly timeout?: string
}

export const force = (options: ChangeOptions) => (options.force ? '?force=true' : '')

/** The cluster, once the options are known to be right: nothing is changed and then refused. */
function routerFor(options: ChangeOptions): Router {
  milliseconds(options.timeout ?? '300')
  return Router.find(options)
}

/** What a change has started, and the wait for it when asked. */
async function started(router: Router, appId: string, result: Started, options: ChangeOptions): Promise<void> {
  if (options.json) printJson(result)
  else if (result.deploymentId) process.stdout.write(`Created deployment ${result.deploymentId}\n`)
  if (options.wait) await waitFor(router, appId, result, options, false)
}

async function waitFor(
  router: Router,
  appId: string,
  change: Started,
  options: ChangeOptions,
  gone: boolean,
): Promise<void> {
  const { followApp } = await import('../client/follow-app.ts')
  const timeout = milliseconds(options.timeout ?? '300')
  await followApp({ router: router.url, appId, change, gone, timeout, progress: note })
}

export async function list(options: ReadOptions): Promise<void> {
  const marathon = new Marathon(Router.find(options))
  const { apps } = await marathon.apps()
  if (options.json) return printJson(apps)
  if (options.quiet) return printLines(apps.map(({ id }) => id))
  const [{ queue }, deployments] = await Promise.all([marathon.queue(), marathon.deployments()])
  const header = ['id', 'mem', 'cpus', 'tasks', 'health', 'deployment', 'waiting', 'container', 'cmd', 'role']
  printRows(false, apps, header, () => apps.map(app => row(app, queue, deployments)), { numbersLeft: true })
}

function row(app: MarathonApp, queue: readonly QueueItem[], deployments: readonly MarathonDeployment[]): string[] {
  const waiting = queue.some(item => item.app?.id === app.id && item.delay.overdue)
  const deployment = deployments.find(({ affectedApps }) => affectedApps.includes(app.id))
  const action = deployment?.currentActions.find(({ app: id }) => id === app.id)?.action
  const command = app.cmd ?? (app.args ? `[${app.args.join(', ')}]` : '---')
  return [
    app.id,
    String(app.mem),
    String(app.cpus),
    `${app.tasksRunning ?? 0}/${app.instances}`,
    app.healthChecks?.length ? `${app.tasksHealthy ?? 0}/${app.tasksRunning ?? 0}` : '---',
    deployment ? (action ?? 'waiting').replace('Application', '').toLowerCase() : '---',
    waiting ? 'true' : 'false',
    app.container?.type ?? 'mesos',
    command.length > 30 ? `${command.slice(0, 27)}...` : command,
    app.role ?? '*',
  ]
}

export async function show(id: string, options: ClusterOptions & { appVersion?: string }): Promise<void> {
  const marathon = new Marathon(Router.find(options))
  if (options.appVersion === undefined) {
    printJson(await marathon.app(id))
    return
  }
  const version = await absoluteVersion(marathon, id, options.appVersion)
  printJson(await marathon.get(`/v2/apps${idPath(id)}/versions/${encodeURIComponent(version)}`))
}

/** `-1` is the version before the present one. */
async function absoluteVersion(marathon: Marathon, id: string, wanted: string): Promise<string> {
  const relative = Number(wanted)
  if (!Number.isInteger(relative)) return wanted
  if (relative > 0) throw new Failure(`relative versions must be negative: ${relative}`, { exit: 'usage' })
  await marathon.app(id)
  const { versions } = await marathon.get<{ versions: string[] }>(`/v2/apps${idPath(id)}/versions`)
  const found = versions[-relative]
  if (found === undefined) {
    throw new Failure(`application '${id}' only has ${versions.length} version(s)`, { exit: 'notFound' })
  }
  return found
}

export async function add(file: string | undefined, options: ChangeOptions): Promise<void> {
  const router = routerFor(options)
  const app = await readObject(file)
  const id = typeof app.id === 'string' ? idPath(app.id) : ''
  const body = await new Marathon(router).change('POST', `/v2/apps${force(options)}`, app).catch(error => {
    if (error instanceof Failure && error.exit === 'conflict' && /already exists/.test(error.message)) {
      throw new Failure(`Application '${id}' already exists`, {
        exit: 'conflict',
        hint: '`meseta app update` changes it',
      })
    }
    throw error
  })
  for (const sentence of ignoredFields(app, body)) note(sentence)
  const deployments = body.deployments as { id: string }[] | undefined
  const deploymentId = deployments?.[0]?.id ?? body.deploymentId
  const version = body.version
  await started(router, id, { ...(version ? { version } : {}), ...(deploymentId ? { deploymentId } : {}) }, options)
}

export async function update(id: string, words: readonly string[], options: ChangeOptions): Promise<void> {
  const router = routerFor(options)
  const marathon = new Marathon(router)
  const given = words.length > 0 ? undefined : await readObject(undefined)
  const change = given ?? changeOf(await marathon.app(id), words)
  if (given) await marathon.app(id)
  const result = await marathon.change('PUT', `/v2/apps${idPath(id)}${force(options)}`, change)
  for (const sentence of ignoredFields(change, await marathon.app(id))) note(sentence)
  await started(router, idPath(id), result, options)
}

export async function scale(id: string, count: string, options: ChangeOptions): Promise<void> {
  const wanted = whole(count, '<instances>', 0)
  const router = routerFor(options)
  const marathon = new Marathon(router)
  await marathon.app(id)
  await started(
    router,
    idPath(id),
    await marathon.change('PUT', `/v2/apps${idPath(id)}${force(options)}`, { instances: wanted }),
    options,
  )
}

export async function start(id: string, count: string | undefined, options: ChangeOptions): Promise<void> {
  const app = await new Marathon(Router.find(options)).app(id)
  if (app.instances > 0) throw new Failure(`application '${id}' already started: ${app.instances} instances`)
  await scale(id, count ?? '1', options)
}

export async function stop(id: string, options: ChangeOptions): Promise<void> {
  const app = await new Marathon(Router.find(options)).app(id)
  if (app.instances === 0) throw new Failure(`app '${idPath(id)}' already stopped: 0 instances`)
  await scale(id, '0', options)
}

export async function restart(id: string, options: ChangeOptions): Promise<void> {
  const router = routerFor(options)
  const marathon = new Marathon(router)
  const app = await marathon.app(id)
  if (app.instances === 0) {
    throw new Failure(
      `unable to perform rolling restart of application '${idPath(id)}' because it has no running tasks`,
    )
  }
  await started(
    router,
    idPath(id),
    await marathon.change('POST', `/v2/apps${idPath(id)}/restart${force(options)}`, {}),
    options,
  )
}

export async function remove(id: string, options: ChangeOptions): Promise<void> {
  const router = routerFor(options)
  const marathon = new Marathon(router)
  await marathon.app(id)
  // Marathon forces the deletion of an app unless it is told not to.
  const result = await marathon.change('DELETE', `/v2/apps${idPath(id)}${force(options) || '?force=false'}`)
  if (options.json) printJson(result)
  if (options.wait) await waitFor(router, idPath(id), result, options, true)
}

export async function kill(id: string, options: ChangeOptions & { scale: boolean; host?: string }): Promise<void> {
  const marathon = new Marathon(Router.find(options))
  await marathon.app(id)
  const query = new URLSearchParams({
    ...(options.scale ? { scale: 'true' } : {}),
    ...(options.host ? { host: options.host } : {}),
  })
  const result = await marathon.change('DELETE', `/v2/apps${idPath(id)}/tasks?${query}`)
  if (options.json) printJson(result)
  else if (options.scale) process.stdout.write(`Started deployment: ${result.deploymentId}\n`)
  else process.stdout.write(`Killed tasks: ${JSON.stringify(result.tasks ?? [])}\n`)
}

export async function versions(id: string, options: ClusterOptions & { maxCount?: string }): Promise<void> {
  const most = options.maxCount === undefined ? undefined : whole(options.maxCount, '--max-count', 0)
  const marathon = new Marathon(Router.find(options))
  await marathon.app(id)
  const { versions: all } = await marathon.get<{ versions: string[] }>(`/v2/apps${idPath(id)}/versions`)
  printJson(all.slice(0, most), 2)
}
