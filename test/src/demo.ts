import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { listeners, socketsOf } from '@meseta/cli/cluster/listening'
import { journeys, type World } from './demo/journeys.ts'
import { type Counts, type Step, type StepResult, walk } from './demo/steps.ts'
import { type ClusterJson, mesetaDone, processesOf, readCluster } from './support/cluster.ts'
import { until } from './support/until.ts'

const usage = `npm run demo -- [--json] [--processes] [--cluster <work-dir>] [--patience <seconds>]

Boots a cluster, walks the four journeys through its public interfaces, and ends it. Exit 0 only if every step holds.
  --json             print one JSON object: each step with its result, duration and counts
  --processes        each component a process of its own: three masters, three agents, ZooKeeper, NATS
  --cluster <dir>    use the cluster that runs in this work-dir instead of one of its own, and leave it running,
                     with what is there when a step fails
  --patience <s>     how long a step waits for something to become true (60)
`

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    processes: { type: 'boolean', default: false },
    cluster: { type: 'string' },
    patience: { type: 'string', default: '60' },
    help: { type: 'boolean', default: false },
  },
})

/** The cluster's home and temporary folder: with its work-dir all that it may write to, and empty when it has left. */
function makeSurroundings(): Surroundings {
  const folder = mkdtempSync(join(tmpdir(), 'meseta-demo-around-'))
  const env = { HOME: join(folder, 'home'), TMPDIR: join(folder, 'tmp') }
  for (const path of Object.values(env)) mkdirSync(path)
  return { folder, env }
}

interface Surroundings {
  readonly folder: string
  readonly env: { readonly HOME: string; readonly TMPDIR: string }
}

async function bringUp(world: World, around: Surroundings): Promise<Counts> {
  const shape = values.processes ? ['--processes', '--masters', '3', '--agents', '3'] : []
  await mesetaDone(['up', '--detach', '--json', '--work-dir', world.workDir, ...shape], 150_000, { ...around.env })
  world.cluster = readCluster(world.workDir)
  return {
    router: world.cluster.router,
    agents: world.cluster.agents.length,
    processes: world.cluster.processes.length,
  }
}

/** Sockets on which processes of the cluster listen: another one on this machine may listen at the same places later. */
function ownListeners(workDir: string): Set<string> {
  const held = new Set(processesOf(workDir).flatMap(({ pid }) => [...socketsOf(pid)]))
  return new Set(listeners().flatMap(({ socket }) => (held.has(socket) ? [socket] : [])))
}

async function bringDown(world: World): Promise<Counts> {
  const own = ownListeners(world.workDir)
  if (own.size === 0) throw new Error('no process of the cluster listens anywhere')
  await mesetaDone(['down', '--work-dir', world.workDir], 90_000)
  await until('no process of the cluster', () => processesOf(world.workDir).length === 0, 10_000).catch(() => {
    const left = processesOf(world.workDir).map(({ pid, command }) => `${pid} ${command.slice(0, 80)}`)
    throw new Error(`processes were left behind: ${left.join('; ')}`)
  })
  const left = listeners().filter(({ socket }) => own.has(socket))
  if (left.length > 0) throw new Error(`somebody still listens on ${left.map(({ local }) => local).join(', ')}`)
  return { processes: 0, ports: 0 }
}

async function leaveNothing({ env }: Surroundings): Promise<Counts> {
  // What the runtime itself keeps between runs is no part of a cluster.
  const left = Object.values(env).flatMap(folder => readdirSync(folder).filter(name => name !== 'node-compile-cache'))
  if (left.length > 0) throw new Error(`files were left behind: ${left.join(', ')}`)
  return { files: 0 }
}

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  const patience = Number(values.patience) * 1000
  if (!(patience > 0)) throw new Error(`--patience takes seconds above 0, not "${values.patience}"`)
  const foreign = values.cluster !== undefined
  const workDir = values.cluster ?? mkdtempSync(join(tmpdir(), 'meseta-demo-'))
  const world: World = {
    workDir,
    cluster: foreign ? readCluster(workDir) : ({} as ClusterJson),
    patience,
    vip: { address: '', port: 0 },
    oldTask: '',
  }
  const around = makeSurroundings()
  const steps: Step<World>[] = foreign
    ? [...journeys]
    : [
        { name: 'up', run: one => bringUp(one, around) },
        ...journeys,
        { name: 'down', run: bringDown },
        { name: 'leave nothing outside the work-dir', run: () => leaveNothing(around) },
      ]
  const begun = performance.now()
  const results = await walk(steps, world, Math.max(160_000, patience * 2), result => {
    if (!values.json) process.stdout.write(line(result))
  })
  const ok = results.length === steps.length && results.every(result => result.ok)
  if (!ok && !foreign && world.cluster.router)
    await mesetaDone(['down', '--work-dir', workDir], 90_000).catch(() => undefined)
  if (!foreign && ok) rmSync(workDir, { recursive: true, force: true })
  rmSync(around.folder, { recursive: true, force: true })
  const failed = results.find(result => !result.ok)
  if (values.json) {
    process.stdout.write(
      `${JSON.stringify({ ok, failed_step: failed?.step, duration_ms: Math.round(performance.now() - begun), steps: results })}\n`,
    )
  } else {
    process.stdout.write(
      ok
        ? `all ${results.length} steps hold\n`
        : `failed at: ${failed?.step}${foreign ? '' : ` (the work-dir ${workDir} is kept)`}\n`,
    )
  }
  return ok ? 0 : 1
}

function line({ step, ok, duration_ms, counts, error }: StepResult): string {
  return `${ok ? 'ok  ' : 'FAIL'} ${step} (${(duration_ms / 1000).toFixed(1)} s) ${ok ? JSON.stringify(counts) : error}\n`
}

process.exitCode = await main()
