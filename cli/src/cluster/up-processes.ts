import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type ServerProcess, spawnServer } from '@meseta/common/coordination/server-process'
import {
  startZookeeperServer,
  zookeeperMode,
  zookeeperServerMissing,
} from '@meseta/common/coordination/zookeeper-server'
import { natsServerMissing, natsServes, startNatsServer } from '@meseta/common/messaging/nats-server'
import { systemClock } from '@meseta/common/service/clock'
import { exitCodes } from '@meseta/common/service/run'
import { Failure } from '../output/failure.ts'
import { type ClusterFile, type ComponentName, removeClusterFile, writeClusterFile } from './cluster-file.ts'
import { listensOn } from './listening.ts'
import { type ClusterShape, type PlannedComponent, planCluster, portWishes } from './plan.ts'
import { choosePorts, isFree, type Ports, startOnPorts } from './ports.ts'
import { forgetProcesses, livingProcesses } from './process-table.ts'
import { untilReady, watchCluster } from './ready.ts'
import type { RunningCluster, Say } from './running.ts'
import { stopTasks } from './stop-tasks.ts'
import { type Member, PortLostError, Supervisor } from './supervisor.ts'

/** Servers that somebody else runs, instead of our own. */
export interface External {
  readonly zk: string | undefined
  readonly nats: string | undefined
}

/** Over the 120 s after which agents of an earlier life follow a store that was begun anew. */
const readyLimit = 150_000
const isFramework = (component: ComponentName) => component === 'marathon' || component === 'universe'
const isServer = (component: ComponentName) => component === 'zookeeper' || component === 'nats'

/** A cluster as a company runs it, on this machine: every component a process of its own, on ZooKeeper and NATS. */
export async function upProcesses(shape: ClusterShape, external: External, say: Say): Promise<RunningCluster> {
  mkdirSync(join(shape.workDir, 'log'), { recursive: true, mode: 0o700 })
  const supervisor = new Supervisor(shape.workDir, say)
  let plans: readonly PlannedComponent[] = []
  let ports: Ports
  try {
    ports = await startOnPorts(
      () => choosePorts(shape.workDir, wishes(shape, external), supervisor.running, say),
      async chosen => {
        plans = planCluster(onServers(shape, external, chosen), chosen)
        await supervisor.keepAll(serverMembers(shape.workDir, chosen, external))
        await supervisor.keepAll(plans.map(plan => componentMember(shape.workDir, plan)))
      },
      error => error instanceof PortLostError,
    )
  } catch (error) {
    supervisor.stopKeeping()
    throw unready(error, supervisor)
  }

  const router = urlOf(plans.find(({ component }) => component === 'gateway')!)
  let leader = urlOf(plans[0]!)
  const describe = () => clusterFile(plans, ports, supervisor, leader)
  let written = false
  const rewrite = () => {
    if (written) writeClusterFile(shape.workDir, describe())
  }
  const watch = watchCluster(router, shape.agents, url => {
    leader = url
    rewrite()
  })
  supervisor.onRestart = rewrite
  try {
    await untilReady(watch, readyLimit)
  } catch (error) {
    watch.stop()
    supervisor.stopKeeping()
    throw unready(error, supervisor)
  }
  written = true
  rewrite()
  return {
    file: describe(),
    broken: new Promise(() => undefined),
    async end({ keepTasks, timeout }) {
      watch.stop()
      supervisor.stopKeeping()
      return endAll(shape.workDir, supervisor, { keepTasks, timeout }, say)
    },
  }
}

const onServers = (shape: ClusterShape, external: External, ports: Ports): ClusterShape => ({
  ...shape,
  store: external.zk ?? `zk://127.0.0.1:${ports.zookeeper}`,
  bus: external.nats ?? `nats://127.0.0.1:${ports.nats}`,
})

/** A cluster that is not ready is not ended: a person may look at it, and `up` tries again with what runs. */
function unready(error: unknown, supervisor: Supervisor): unknown {
  if (error instanceof Failure || supervisor.processes.length === 0) return error
  return new Failure(error instanceof Error ? error.message : String(error), {
    hint: 'what has started goes on: `meseta up` tries again with it, `meseta down` ends it',
  })
}

interface EndOptions {
  readonly keepTasks: boolean
  readonly timeout: number
}

/** The frameworks end first: what they no longer see they do not start again. The servers end last. */
async function endAll(
  workDir: string,
  supervisor: Supervisor,
  options: EndOptions,
  say: Say,
): Promise<{ tasks: number }> {
  const agents = supervisor.processes.filter(({ component }) => component === 'agent').map(({ url }) => url)
  await supervisor.end(isFramework)
  const tasks = options.keepTasks ? 0 : await stopTasks(agents, options.timeout, say)
  await supervisor.end(component => !isServer(component))
  await supervisor.end(() => true)
  forgetProcesses(workDir)
  removeClusterFile(workDir)
  return { tasks }
}

/** Ends what runs of a work-dir whose `meseta up` is gone. Answers how many processes that were. */
export async function endLeftovers(workDir: string, options: EndOptions, say: Say): Promise<number> {
  const left = livingProcesses(workDir)
  if (left.length === 0) return 0
  await endAll(workDir, new Supervisor(workDir, say), options, say)
  return left.length
}

function wishes(shape: ClusterShape, external: External) {
  const one = (name: string, port: number) => ({ name, ip: '127.0.0.1', choices: [port] })
  return [
    ...portWishes(shape),
    ...(external.zk ? [] : [one('zookeeper', 2181)]),
    ...(external.nats ? [] : [one('nats', 4222)]),
  ]
}

const urlOf = ({ ip, port }: PlannedComponent) => `http://${ip}:${port}`

function componentMember(workDir: string, plan: PlannedComponent): Member {
  const url = urlOf(plan)
  const log = join(workDir, 'log', `${plan.name}.log`)
  let started: ServerProcess | undefined
  return {
    component: plan.component,
    name: plan.name,
    url,
    places: [url, ...plan.flags.filter(flag => flag.includes('://'))].join(' '),
    async spawn() {
      const script = process.argv[1]!
      const args = [...process.execArgv, script, 'run', plan.component, ...plan.flags, `--log-file=${log}`]
      const logFile = join(workDir, 'log', `${plan.name}.out`)
      started = await spawnServer({ command: process.execPath, args, logFile, clock: systemClock })
      return started.pid
    },
    async serves(pid) {
      try {
        const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(1_000), redirect: 'manual' })
        await answer.body?.cancel()
        return listensOn(pid, plan.port)
      } catch {
        return false
      }
    },
    lostPort: async () => (await started?.exited)?.code === exitCodes.portTaken,
  }
}

function serverMembers(workDir: string, ports: Ports, external: External): Member[] {
  const members: Member[] = []
  if (!external.zk) {
    needed(zookeeperServerMissing(), '--zk zk://host:2181')
    const clientPort = ports.zookeeper!
    const folder = join(workDir, 'zookeeper')
    members.push({
      ...serverMember('zookeeper', 'zk', clientPort),
      spawn: async () => (await startZookeeperServer({ clock: systemClock, folder, clientPort })).process.pid,
      serves: async pid => (await zookeeperMode(clientPort)) !== undefined && listensOn(pid, clientPort),
    })
  }
  if (!external.nats) {
    needed(natsServerMissing(), '--nats nats://host:4222')
    const port = ports.nats!
    const folder = join(workDir, 'nats')
    members.push({
      ...serverMember('nats', 'nats', port),
      spawn: async () => (await startNatsServer({ clock: systemClock, folder, port })).process.pid,
      serves: async pid => (await natsServes(port)) && listensOn(pid, port),
    })
  }
  return members
}

/** What both servers have in common. Why they end is in their own logs only: a port that somebody has now was lost. */
const serverMember = (name: 'zookeeper' | 'nats', scheme: string, port: number) => ({
  component: name,
  name,
  url: `${scheme}://127.0.0.1:${port}`,
  places: `${scheme}://127.0.0.1:${port}`,
  lostPort: async () => !(await isFree({ ip: '127.0.0.1' }, port)),
})

function needed(missing: string | undefined, option: string): void {
  if (missing === undefined) return
  throw new Failure(`--processes needs real servers, and ${missing}`, { hint: `or name one that runs: ${option}` })
}

function clusterFile(
  plans: readonly PlannedComponent[],
  ports: Ports,
  supervisor: Supervisor,
  leader: string,
): ClusterFile {
  const urls = (component: string) => plans.filter(plan => plan.component === component).map(urlOf)
  const router = urls('gateway')[0]!
  const processes = supervisor.processes.map(({ component, name, pid, url }) => ({ component, name, pid, url }))
  return {
    router,
    master: leader,
    marathon: urls('marathon')[0]!,
    universe: urls('universe')[0]!,
    masters: urls('master'),
    agents: urls('agent'),
    dns: { address: '127.0.0.1', port: ports.dns! },
    pids: [process.pid, ...processes.map(({ pid }) => pid)],
    processes: [{ component: 'up', name: 'up', pid: process.pid, url: router }, ...processes],
  }
}
