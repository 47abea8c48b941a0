import type { ClusterOptions } from '../client/find-cluster.ts'
import { followApp } from '../client/follow-app.ts'
import {
  idPath,
  Marathon,
  type MarathonApp,
  type MarathonDeployment,
  type QueueItem,
  type Started,
} from '../client/marathon.ts'
import { assignments, readJson } from '../client/options.ts'
import { Router } from '../client/router.ts'
import { Failure } from '../output/failure.ts'
import { note, printJson, printRows } from '../output/print.ts'
import { seconds } from './package.ts'

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

const force = (options: ChangeOptions) => (options.force ? '?force=true' : '')

/** What a change has started, and the wait for it when asked. */
async function started(
  router: Router,
  appId: string,
  result: Started,
  options: ChangeOptions,
  gone = false,
): Promise<void> {
  if (options.json) printJson(result)
  else if (result.deploymentId) process.stdout.write(`Created deployment ${result.deploymentId}\n`)
  if (!options.wait) return
  await followApp({
    router: router.url,
    appId,
    ...(result.deploymentId ? { deploymentId: result.deploymentId } : {}),
    gone,
    timeout: seconds(options.timeout ?? '300'),
    progress: note,
  })
}

export async function list(options: ReadOptions): Promise<void> {
  const marathon = new Marathon(Router.find(options))
  const { apps } = await marathon.apps()
  if (options.quiet) {
    for (const { id } of apps) process.stdout.write(`${id}\n`)
    return
  }
  if (options.json) {
    printJson(apps)
    return
  }
  const [{ queue }, deployments] = await Promise.all([marathon.queue(), marathon.deployments()])
  const header = ['id', 'mem', 'cpus', 'tasks', 'health', 'deployment', 'waiting', 'container', 'cmd', 'role']
  printRows(false, apps, header, () => apps.map(app => row(app, queue, deployments)))
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
  if (found === undefined) throw new Failure(`application '${id}' only has ${versions.length} version(s)`)
  return found
}

export async function add(file: string | undefined, options: ChangeOptions): Promise<void> {
  const router = Router.find(options)
  const app = readJson(file) as { id?: unknown }
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
  const deployments = body.deployments as { id: string }[] | undefined
  const deploymentId = deployments?.[0]?.id ?? body.deploymentId
  await started(router, id, deploymentId ? { deploymentId } : {}, options)
}

export async function update(id: string, words: readonly string[], options: ChangeOptions): Promise<void> {
  const router = Router.find(options)
  const marathon = new Marathon(router)
  await marathon.app(id)
  const change = words.length > 0 ? assignments(words) : readJson(undefined)
  await started(
    router,
    idPath(id),
    await marathon.change('PUT', `/v2/apps${idPath(id)}${force(options)}`, change),
    options,
  )
}

function instances(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0) throw new Failure(`"${text}" is no number of instances`, { exit: 'usage' })
  return value
}

export async function scale(id: string, count: string, options: ChangeOptions): Promise<void> {
  const router = Router.find(options)
  const marathon = new Marathon(router)
  const wanted = instances(count)
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
  const router = Router.find(options)
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
  const router = Router.find(options)
  const marathon = new Marathon(router)
  await marathon.app(id)
  const result = await marathon.change('DELETE', `/v2/apps${idPath(id)}${force(options)}`)
  if (options.json) printJson(result)
  if (options.wait) await started(router, idPath(id), {}, { ...options, json: false }, true)
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
  const marathon = new Marathon(Router.find(options))
  await marathon.app(id)
  const { versions: all } = await marathon.get<{ versions: string[] }>(`/v2/apps${idPath(id)}/versions`)
  printJson(options.maxCount === undefined ? all : all.slice(0, instances(options.maxCount)))
}

export async function deployments(options: ReadOptions): Promise<void> {
  const all = await new Marathon(Router.find(options)).deployments()
  if (options.json) {
    printJson(all)
    return
  }
  if (options.quiet) {
    for (const { id } of all) process.stdout.write(`${id}\n`)
    return
  }
  if (all.length === 0) throw new Failure('There are no deployments')
  printRows(false, all, ['app', 'pod', 'action', 'progress', 'id'], () =>
    all.map(deployment => [
      deployment.affectedApps.join(', ') || '-',
      deployment.affectedPods?.join(', ') || '-',
      deployment.currentActions.map(({ action }) => action.replace(/Application|Pod/, '').toLowerCase()).join(', ') ||
        '-',
      `${deployment.currentStep}/${deployment.totalSteps}`,
      deployment.id,
    ]),
  )
}

export async function endDeployment(id: string, mode: 'rollback' | 'stop', options: ClusterOptions): Promise<void> {
  const result = await new Marathon(Router.find(options)).change(
    'DELETE',
    `/v2/deployments/${encodeURIComponent(id)}${mode === 'stop' ? '?force=true' : ''}`,
  )
  if (mode === 'rollback') printJson(result)
}

export async function addGroup(file: string | undefined, options: ChangeOptions): Promise<void> {
  const result = await new Marathon(Router.find(options)).change('POST', `/v2/groups${force(options)}`, readJson(file))
  if (options.json) printJson(result)
  else process.stdout.write(`Created deployment ${result.deploymentId}\n`)
}

export async function removeGroup(id: string, options: ChangeOptions): Promise<void> {
  const result = await new Marathon(Router.find(options)).change('DELETE', `/v2/groups${idPath(id)}${force(options)}`)
  if (options.json) printJson(result)
}

interface Group {
  readonly id: string
  readonly apps?: readonly unknown[]
  readonly pods?: readonly unknown[]
  readonly groups?: readonly Group[]
  readonly enforceRole?: boolean
}

export async function groups(options: ReadOptions): Promise<void> {
  const root = await new Marathon(Router.find(options)).get<Group>('/v2/groups')
  const all = root.groups ?? []
  const count = (group: Group): number =>
    (group.apps?.length ?? 0) + (group.groups ?? []).reduce((sum, child) => sum + count(child), 0)
  printRows(options.json, all, ['id', 'apps', 'enforce_role'], () =>
    all.map(group => [group.id, String(count(group)), group.enforceRole ? 'True' : 'False']),
  )
}

export async function showGroup(id: string, options: ClusterOptions): Promise<void> {
  printJson(await new Marathon(Router.find(options)).get(`/v2/groups${idPath(id)}`))
}

export async function addPod(file: string | undefined, options: ChangeOptions): Promise<void> {
  const result = await new Marathon(Router.find(options)).change('POST', `/v2/pods${force(options)}`, readJson(file))
  if (options.json) printJson(result)
  else process.stdout.write(`Created deployment ${result.deploymentId}\n`)
}

export async function pods(options: ReadOptions): Promise<void> {
  const all = await new Marathon(Router.find(options)).get<
    {
      id: string
      status: string
      statusSince: string
      instances: unknown[]
      spec?: { version?: string; role?: string }
    }[]
  >('/v2/pods/::status')
  printRows(options.json, all, ['id', 'instances', 'version', 'status', 'status since', 'role'], () =>
    all.map(pod => [
      pod.id,
      String(pod.instances.length),
      pod.spec?.version ?? '-',
      pod.status,
      pod.statusSince,
      pod.spec?.role ?? '*',
    ]),
  )
}

export async function showPod(id: string, options: ClusterOptions): Promise<void> {
  printJson(await new Marathon(Router.find(options)).get(`/v2/pods${idPath(id)}`))
}

export async function removePod(id: string, options: ChangeOptions): Promise<void> {
  await new Marathon(Router.find(options)).change('DELETE', `/v2/pods${idPath(id)}${force(options)}`)
}
