import { spawn } from 'node:child_process'
import { mkdirSync, openSync, readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import type { LogLevel } from '@meseta/common/service/logger'
import { whole } from '../client/numbers.ts'
import { Announcer } from '../output/announcer.ts'
import { Failure } from '../output/failure.ts'
import { note, printJson } from '../output/print.ts'
import { canDraw } from '../output/terminal.ts'
import { type ClusterFile, readClusterFile } from './cluster-file.ts'
import { untilTold } from './leaving.ts'
import { measureMachine } from './machine.ts'
import { owner, releaseWorkDir, takeWorkDir } from './owner.ts'
import type { ClusterShape } from './plan.ts'
import type { RunningCluster, Say } from './running.ts'
import { workDir as chooseWorkDir } from './work-dir.ts'

export interface UpOptions {
  readonly agents: string
  readonly masters: string
  readonly processes: boolean
  readonly zk?: string
  readonly nats?: string
  readonly detach: boolean
  readonly ui: boolean
  readonly clusterName: string
  readonly logLevel: LogLevel
  readonly json: boolean
  readonly workDir?: string
}

/** Time a whole cluster may take to be ready. */
const startLimit = 180_000
/** Time tasks and processes get to end. */
const endLimit = 60_000

function shapeOf(options: UpOptions): ClusterShape {
  const masters = whole(options.masters, '--masters', 1, 9)
  if (masters > 1 && !options.processes) {
    throw new Failure('--masters needs --processes: one process has one master', { exit: 'usage' })
  }
  for (const name of ['zk', 'nats'] as const) {
    if (options[name] && !options.processes) throw new Failure(`--${name} needs --processes`, { exit: 'usage' })
  }
  const folder = chooseWorkDir(options.workDir)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const workDir = realpathSync(folder)
  return {
    clusterName: options.clusterName,
    workDir,
    masters,
    agents: whole(options.agents, '--agents', 1, 100),
    logLevel: options.logLevel,
    machine: measureMachine(workDir),
    store: options.zk ?? `embedded:${join(workDir, 'store')}`,
    bus: options.nats ?? 'embedded:',
  }
}

/**
 * `meseta up`: starts the cluster, shows it, and ends it with its tasks when the person leaves. A cluster that can not go on, by a
 * full disk say, ends without them: the next `up` adopts them.
 */
export async function up(options: UpOptions): Promise<void> {
  const shape = shapeOf(options)
  if (options.detach) return detach(shape, options)
  takeWorkDir(shape.workDir, options.processes ? 'processes' : 'embedded')
  const announcer = new Announcer()
  const leaving = untilTold({ source: process, now: () => performance.now(), leave: leaveAtOnce })
  let cluster: RunningCluster | undefined
  let isToldToEnd = false
  try {
    announcer.say(`starting the cluster "${shape.clusterName}" in ${shape.workDir} ...`)
    cluster = await start(shape, options, announcer.say, leaving)
    if (!cluster) return
    await stay(cluster, shape, options, announcer, leaving)
    isToldToEnd = true
  } finally {
    if (cluster) await end(cluster, !isToldToEnd || wantsTasksKept(shape.workDir))
    releaseWorkDir(shape.workDir)
  }
}

async function start(
  shape: ClusterShape,
  options: UpOptions,
  say: Say,
  leaving: Promise<void>,
): Promise<RunningCluster | undefined> {
  const starting = options.processes
    ? import('./up-processes.ts').then(module => module.upProcesses(shape, { zk: options.zk, nats: options.nats }, say))
    : import('./up-embedded.ts').then(module => module.upEmbedded(shape, say))
  const first = await Promise.race([starting, leaving.then(() => 'left' as const)])
  if (first !== 'left') return first
  note('stopping before the cluster was ready')
  await starting.then(
    cluster => cluster.end({ keepTasks: true, timeout: endLimit }),
    () => undefined,
  )
  return undefined
}

async function stay(
  cluster: RunningCluster,
  shape: ClusterShape,
  options: UpOptions,
  announcer: Announcer,
  leaving: Promise<void>,
): Promise<void> {
  const until = Promise.race([leaving, cluster.broken])
  if (options.ui && !options.json && canDraw()) {
    const { showUi } = await import('../ui/show.ts')
    return showUi({ router: cluster.file.router, quitEndsCluster: true, until, announcer })
  }
  printEndpoints(cluster.file, shape, options)
  await until
}

async function end(cluster: RunningCluster, keepTasks: boolean): Promise<void> {
  note(keepTasks ? 'ending the cluster; its tasks go on' : 'ending the cluster and its tasks')
  const { tasks } = await cluster.end({ keepTasks, timeout: endLimit })
  note(
    keepTasks ? 'the cluster has ended' : `the cluster has ended, and ${tasks} task${tasks === 1 ? '' : 's'} with it`,
  )
}

/** `meseta down --keep-tasks` leaves this wish for the process it tells to end. */
function wantsTasksKept(workDir: string): boolean {
  try {
    return (JSON.parse(readFileSync(join(workDir, 'down.json'), 'utf8')) as { keepTasks: boolean }).keepTasks
  } catch {
    return false
  }
}

/** A second word ends the process at once, tasks and all going on. */
function leaveAtOnce(): never {
  note('told twice: leaving at once; tasks go on, `meseta up` adopts them')
  process.exit(130)
}

function printEndpoints(file: ClusterFile, shape: ClusterShape, options: UpOptions): void {
  if (options.json) {
    printJson(file)
    return
  }
  const lines = [
    ['page and admin router', `${file.router}/`],
    ['master', file.master],
    ['marathon', `${file.marathon}/v2/apps`],
    ['catalog', file.universe],
    ['DNS', `${file.dns.address} port ${file.dns.port}`],
    ...file.agents.map((url, index) => [`agent ${index + 1}`, url]),
    ['work-dir', shape.workDir],
  ] as const
  const width = Math.max(...lines.map(([title]) => title.length))
  process.stdout.write(`The cluster "${shape.clusterName}" is ready.\n`)
  for (const [title, text] of lines) process.stdout.write(`  ${title.padEnd(width)}  ${text}\n`)
  const meseta = process.argv[1]?.endsWith('/scripts/meseta.mjs') ? 'npm run meseta --' : 'meseta'
  const end = options.detach ? `\`${meseta} down\` ends` : 'Ctrl-C ends'
  process.stdout.write(`Try: ${meseta} package install web-demo      ${end} the cluster and its tasks.\n`)
}

/** Starts the same command in a process of its own and waits until its cluster is ready. */
async function detach(shape: ClusterShape, options: UpOptions): Promise<void> {
  const other = owner(shape.workDir)
  if (other) takeWorkDir(shape.workDir, other.mode)
  const logFolder = join(shape.workDir, 'log')
  mkdirSync(logFolder, { recursive: true, mode: 0o700 })
  const logFile = join(logFolder, 'up.log')
  const log = openSync(logFile, 'a', 0o600)
  const words = process.argv.slice(2).filter(word => word !== '--detach' && word !== '--json')
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...words, '--no-ui'], {
    detached: true,
    stdio: ['ignore', log, log],
  })
  const ended = new Promise<number | null>(resolve => child.once('exit', resolve))
  child.once('error', () => undefined)
  const deadline = Date.now() + startLimit
  while (Date.now() < deadline) {
    const file = readClusterFile(shape.workDir)
    if (file?.processes.some(({ component, pid }) => component === 'up' && pid === child.pid)) {
      child.unref()
      return printEndpoints(file, shape, options)
    }
    const exit = await Promise.race([ended, new Promise<'waiting'>(resolve => setTimeout(resolve, 100, 'waiting'))])
    if (exit !== 'waiting')
      throw new Failure(`the cluster did not start (exit ${exit})`, { hint: `its log is ${logFile}` })
  }
  throw new Failure(`the cluster is not ready after ${startLimit / 1000} s`, {
    exit: 'timeout',
    hint: `its log is ${logFile}`,
  })
}
