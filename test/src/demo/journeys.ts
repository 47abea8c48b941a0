import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type ClusterJson, mesetaDone } from '../support/cluster.ts'
import { addresses, services } from '../support/dns-client.ts'
import { streamEvents } from '../support/events.ts'
import { json, jsonOnOwnConnection, send } from '../support/http.ts'
import { until } from '../support/until.ts'
import { startLoad } from './load.ts'
import type { Counts, Step } from './steps.ts'
import { appId, type InstanceAnswer, serviceName, vipPort, webApp } from './web-app.ts'

/** What the steps share. */
export interface World {
  readonly workDir: string
  /** Set by the step that brings the cluster up, or before. */
  cluster: ClusterJson
  /** How long a step waits for something to become true, milliseconds. */
  readonly patience: number
  vip: { address: string; port: number }
  oldTask: string
}

/** The package that is installed and removed again. */
const packageName = 'web-demo'
const requestsPerSecond = 60

interface AppAnswer {
  readonly app: {
    readonly instances: number
    readonly tasksRunning: number
    readonly tasksHealthy: number
    readonly deployments: readonly unknown[]
    readonly tasks: readonly {
      readonly id: string
      readonly state: string
      readonly host: string
      readonly ports: readonly number[]
    }[]
  }
}

const marathon = (world: World) => `${world.cluster.router}/marathon`

async function settled(world: World, id: string, instances: number, healthy: boolean): Promise<AppAnswer['app']> {
  return until(
    `${id} with ${instances} running${healthy ? ' and healthy' : ''} instances`,
    async () => {
      const { app } = await json<AppAnswer>(`${marathon(world)}/v2/apps/${id}`)
      const well =
        app.tasksRunning === instances && (!healthy || app.tasksHealthy === instances) && app.deployments.length === 0
      return well ? app : false
    },
    world.patience,
  )
}

async function installPackage(world: World): Promise<Counts> {
  const { stdout } = await mesetaDone(
    [
      'package',
      'install',
      packageName,
      '--yes',
      '--json',
      '--work-dir',
      world.workDir,
      '--timeout',
      String(world.patience / 1000),
    ],
    world.patience + 10_000,
  )
  const installed = JSON.parse(stdout) as { appId: string; packageVersion: string }
  const page = await fetch(`${world.cluster.router}/service/${packageName}/`, { signal: AbortSignal.timeout(5_000) })
  const text = await page.text()
  if (page.status !== 200) throw new Error(`/service/${packageName}/ answered ${page.status}`)
  return { app_id: installed.appId, version: installed.packageVersion, page_bytes: text.length }
}

async function deployGroup(world: World): Promise<Counts> {
  const file = fileURLToPath(
    new URL(
      '../../data/marathon-apps/15-mesosphere_marathon--tests__system__groups__sleep-group.json',
      import.meta.url,
    ),
  )
  const group = JSON.parse(await readFile(file, 'utf8')) as unknown
  await send('POST', `${marathon(world)}/v2/groups`, group)
  for (const name of ['goodnight-1', 'goodnight-2']) await settled(world, `sleep-group/sleep/${name}`, 1, false)
  return { apps: 2, running: 2 }
}

async function deployApp(world: World): Promise<Counts> {
  await send('POST', `${marathon(world)}/v2/apps`, webApp('1'))
  const app = await settled(world, appId.slice(1), 3, true)
  const running = app.tasks.filter(({ state }) => state === 'TASK_RUNNING').length
  if (running !== 3) throw new Error(`${running} of 3 tasks are TASK_RUNNING`)
  return { instances: app.instances, running, healthy: app.tasksHealthy }
}

async function resolveNames(world: World): Promise<Counts> {
  const { app } = await json<AppAnswer>(`${marathon(world)}/v2/apps/${serviceName}`)
  const hosts = [...new Set(app.tasks.map(({ host }) => host))].sort()
  const ports = app.tasks.map(({ ports: [port] }) => port!).sort()
  const name = `${serviceName}.marathon.mesos`
  for (const transport of ['udp', 'tcp'] as const) {
    await until(
      `A of ${name} over ${transport}`,
      async () => String(await addresses(world.cluster, transport, name)) === String(hosts),
      world.patience,
    )
    await until(
      `SRV of _web._${serviceName}._tcp.marathon.mesos over ${transport}`,
      async () => {
        const found = await services(world.cluster, transport, `_${serviceName}._tcp.marathon.mesos`)
        return String(found.map(({ port }) => port).sort()) === String(ports)
      },
      world.patience,
    )
  }
  return { hosts, ports }
}

const who = (url: string): Promise<InstanceAnswer> => jsonOnOwnConnection<InstanceAnswer>(url)

/** Asks until every one of three instances has answered. */
async function meetAll(url: string, patience: number): Promise<Set<string>> {
  const met = new Set<string>()
  await until(
    `answers of three instances at ${url}`,
    async () => {
      met.add((await who(url)).task)
      return met.size >= 3
    },
    patience,
    10,
  )
  return met
}

async function reachVip(world: World): Promise<Counts> {
  const name = `${serviceName}.marathon.l4lb.thisdcos.directory`
  const [address] = await until(
    `A of ${name}`,
    async () => {
      const found = await addresses(world.cluster, 'udp', name)
      return found.length > 0 && found
    },
    world.patience,
  )
  // Where the port is taken, by another cluster on this machine say, the balancer listens on a free one and says so.
  const vips = await json<{ vip: string; listen: { address: string; port: number } }[]>(
    `${world.cluster.router}/net/v1/vips`,
  )
  const listen = vips.find(({ vip }) => vip === `${name}:${vipPort}`)?.listen
  if (listen === undefined || listen.address !== address)
    throw new Error(`DNS says ${address}, and the balancer ${JSON.stringify(listen)}`)
  world.vip = { ...listen }
  const met = await meetAll(`http://${listen.address}:${listen.port}/`, world.patience)
  return { name, address, port: listen.port, instances_met: met.size }
}

async function reachUrl(world: World): Promise<Counts> {
  const met = await meetAll(`${world.cluster.router}/service/${serviceName}/`, world.patience)
  return { instances_met: met.size }
}

async function replaceKilled(world: World): Promise<Counts> {
  const victim = await who(`http://${world.vip.address}:${world.vip.port}/`)
  const begun = performance.now()
  process.kill(victim.pid, 'SIGKILL')
  await until(
    `a new instance in place of ${victim.task}`,
    async () => {
      const { app } = await json<AppAnswer>(`${marathon(world)}/v2/apps/${serviceName}`)
      const ids = app.tasks.filter(({ state }) => state === 'TASK_RUNNING').map(({ id }) => id)
      return !ids.includes(victim.task) && ids.length === 3 && app.tasksHealthy === 3
    },
    world.patience,
  )
  return { killed: victim.task, replaced_after_ms: Math.round(performance.now() - begun) }
}

async function upgradeUnderLoad(world: World): Promise<Counts> {
  const { app } = await json<AppAnswer>(`${marathon(world)}/v2/apps/${serviceName}`)
  world.oldTask = app.tasks[0]!.id
  const leave = new AbortController()
  const attached = Promise.withResolvers<void>()
  const succeeded = new Map<string, () => void>()
  const done = new Set<string>()
  const reading = (async () => {
    for await (const event of streamEvents(`${marathon(world)}/v2/events`, leave.signal)) {
      if (event.event === 'event_stream_attached') attached.resolve()
      if (event.event !== 'deployment_success') continue
      const { id } = JSON.parse(event.data) as { id: string }
      done.add(id)
      succeeded.get(id)?.()
    }
  })()
  await Promise.race([attached.promise, reading, sleep(5_000, undefined, { ref: false })])
  const vip = startLoad(`http://${world.vip.address}:${world.vip.port}/`, requestsPerSecond, false)
  const url = startLoad(`${world.cluster.router}/service/${serviceName}/`, requestsPerSecond, true)
  const begun = performance.now()
  let error: unknown
  try {
    const { deploymentId } = await send<{ deploymentId: string }>(
      'PUT',
      `${marathon(world)}/v2/apps/${serviceName}`,
      webApp('2'),
    )
    await Promise.race([
      new Promise<void>(resolve => (done.has(deploymentId) ? resolve() : succeeded.set(deploymentId, resolve))),
      sleep(world.patience, undefined, { ref: false }).then(() =>
        Promise.reject(new Error(`no deployment_success of ${deploymentId} within ${world.patience / 1000} s`)),
      ),
    ])
  } catch (caught) {
    error = caught
  }
  const seconds = (performance.now() - begun) / 1000
  leave.abort()
  const counts = { vip: await vip.stop(), url: await url.stop() }
  await reading
  if (error) throw error
  for (const [way, { sent, failed, answered, releases, failures }] of Object.entries(counts)) {
    if (failed > 0) throw new Error(`${failed} of ${sent} requests through the ${way} failed: ${failures.join('; ')}`)
    if (sent / seconds < 50)
      throw new Error(`only ${Math.round(sent / seconds)} requests a second went through the ${way}`)
    if (answered !== sent) throw new Error(`${sent - answered} requests through the ${way} were never answered`)
    if (!releases['2']) throw new Error(`no request through the ${way} met the new release`)
  }
  const brief = ({ sent, answered, failed, releases }: (typeof counts)['vip']) => ({ sent, answered, failed, releases })
  return { seconds: Math.round(seconds * 10) / 10, vip: brief(counts.vip), url: brief(counts.url) }
}

async function readLogs(world: World): Promise<Counts> {
  const app = await settled(world, serviceName, 3, true)
  const newTask = app.tasks[0]!.id
  const log = async (task: string, expected: string) => {
    const { stdout } = await mesetaDone(
      ['task', 'log', task, '--all', '--lines', '20', '--work-dir', world.workDir],
      world.patience,
    )
    if (!stdout.includes(expected))
      throw new Error(`the log of ${task} does not say "${expected}": ${stdout.slice(0, 200)}`)
    return stdout.length
  }
  return {
    old_bytes: await log(world.oldTask, 'release 1 serves'),
    new_bytes: await log(newTask, 'release 2 serves'),
  }
}

async function seeCluster(world: World): Promise<Counts> {
  const leave = new AbortController()
  const kinds = new Map<string, number>()
  let seesApp = false
  const timer = setTimeout(() => leave.abort(), world.patience)
  for await (const event of streamEvents(`${world.cluster.router}/meseta/v1/events`, leave.signal)) {
    kinds.set(event.event, (kinds.get(event.event) ?? 0) + 1)
    if (event.event === 'app' && (JSON.parse(event.data) as { key: string }).key === appId) seesApp = true
    if (event.event === 'synced') break
  }
  clearTimeout(timer)
  leave.abort()
  for (const kind of ['cluster', 'agent', 'framework', 'task', 'app', 'instance', 'package', 'vip']) {
    if (!kinds.has(kind)) throw new Error(`the router's stream shows no ${kind}`)
  }
  if (!seesApp) throw new Error(`the router's stream does not show ${appId}`)
  const summary = await json<{ frameworks: { name: string; TASK_RUNNING: number }[]; slaves: unknown[] }>(
    `${world.cluster.router}/mesos/state-summary`,
  )
  const running = summary.frameworks.find(({ name }) => name === 'marathon')?.TASK_RUNNING ?? 0
  // Three web instances, two sleepers, and the package's own.
  if (running < 6) throw new Error(`/mesos/state-summary counts ${running} running tasks, not 6 or more`)
  return { ...Object.fromEntries(kinds), agents: summary.slaves.length, tasks_running: running }
}

async function uninstall(world: World): Promise<Counts> {
  await mesetaDone(
    [
      'package',
      'uninstall',
      packageName,
      '--yes',
      '--work-dir',
      world.workDir,
      '--timeout',
      String(world.patience / 1000),
    ],
    world.patience + 10_000,
  )
  await send('DELETE', `${marathon(world)}/v2/apps/${serviceName}`)
  await send('DELETE', `${marathon(world)}/v2/groups/sleep-group?force=true`)
  await until(
    'no app and no running task',
    async () => {
      const { apps } = await json<{ apps: unknown[] }>(`${marathon(world)}/v2/apps`)
      const { frameworks } = await json<{ frameworks: { TASK_RUNNING: number }[] }>(
        `${world.cluster.router}/mesos/state-summary`,
      )
      return apps.length === 0 && frameworks.every(({ TASK_RUNNING }) => TASK_RUNNING === 0)
    },
    world.patience,
  )
  return { apps: 0, tasks: 0 }
}

/** Removes what a walk that broke off may have left in a cluster that goes on, and waits until it is gone. */
export async function sweep(router: string, limit: number): Promise<void> {
  const ignore = () => undefined
  const gone = async () => {
    for (const path of [`apps/${serviceName}`, `apps/${packageName}`, 'groups/sleep-group']) {
      await send('DELETE', `${router}/marathon/v2/${path}?force=true`).catch(ignore)
    }
    const { apps } = await json<{ apps: unknown[] }>(`${router}/marathon/v2/apps`)
    const deployments = await json<unknown[]>(`${router}/marathon/v2/deployments`)
    return apps.length === 0 && deployments.length === 0
  }
  await until('an empty cluster', gone, limit, 300)
}

/** The four journeys, through public interfaces only, in their order. */
export const journeys: readonly Step<World>[] = [
  { name: 'install a package', run: installPackage },
  { name: 'deploy a group', run: deployGroup },
  { name: 'deploy an app', run: deployApp },
  { name: 'resolve its name', run: resolveNames },
  { name: 'reach it by virtual IP', run: reachVip },
  { name: 'reach it by URL', run: reachUrl },
  { name: 'replace a killed task', run: replaceKilled },
  { name: 'upgrade under load', run: upgradeUnderLoad },
  { name: 'read logs', run: readLogs },
  { name: 'see the cluster', run: seeCluster },
  { name: 'uninstall', run: uninstall },
]
