import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openCoordination } from '@meseta/common/coordination/open'
import { openBus } from '@meseta/common/messaging/open'
import { systemClock } from '@meseta/common/service/clock'
import type { FlagDefinitions, FlagValues } from '@meseta/common/service/flags'
import { createLogger } from '@meseta/common/service/logger'
import { createRegistry } from '@meseta/common/service/metrics'
import { parseFlags } from '@meseta/common/service/parse-flags'
import { systemRandom } from '@meseta/common/service/random'
import { processFlags } from '@meseta/common/service/run'
import { type ClusterFile, removeClusterFile, writeClusterFile } from './cluster-file.ts'
import { loadComponent } from './components.ts'
import { type ClusterShape, planCluster, portWishes } from './plan.ts'
import { choosePorts, type Ports, startOnPorts } from './ports.ts'
import { untilReady, watchCluster } from './ready.ts'
import type { RunningCluster, Say } from './running.ts'
import { type Started, StartedComponents } from './started-components.ts'
import { stopTasks } from './stop-tasks.ts'

const readyLimit = 60_000

/** A whole cluster in this process, on the embedded store and bus. An error that no component handles ends it whole. */
export async function upEmbedded(shape: ClusterShape, say: Say): Promise<RunningCluster> {
  const logFolder = join(shape.workDir, 'log')
  mkdirSync(logFolder, { recursive: true, mode: 0o700 })
  const log = createLogger({ name: 'meseta', level: shape.logLevel, file: join(logFolder, 'meseta.log') })
  const basics = { clock: systemClock, random: systemRandom, log }
  const coordination = await openCoordination(shape.store, basics)
  const bus = await openBus(shape.bus, basics)
  const broken = Promise.withResolvers<never>()
  // Whoever waits on `broken` hears of it; when nobody does yet, the process still must not die of it unheard.
  broken.promise.catch(() => undefined)

  const components = new StartedComponents(async plan => {
    const component = await loadComponent(plan.component)
    const flags = parseFlags(processFlags(component), { argv: plan.flags, env: {} }) as FlagValues<FlagDefinitions>
    return component.start({
      ...basics,
      log: log.child({ component: plan.name }),
      flags,
      metrics: createRegistry(),
      store: coordination.store,
      election: coordination.election,
      bus,
      fatal: error => broken.reject(new Error(`${plan.name}: ${error.message}`, { cause: error })),
    })
  })
  const close = async () => {
    await components.stop()
    await bus.close()
    await coordination.close()
  }

  let file: ClusterFile
  try {
    const ports = await startOnPorts(
      () => choosePorts(shape.workDir, portWishes(shape), components.names, say),
      ports => components.settle(planCluster(shape, ports)),
      isPortLost,
    )
    file = describe(components.all, ports)
    await untilHeard(file.router, shape.agents, broken.promise)
  } catch (error) {
    await close()
    throw error
  }
  writeClusterFile(shape.workDir, file)
  return {
    file,
    broken: broken.promise,
    async end({ keepTasks, timeout }) {
      // The frameworks end first: what they no longer see they do not start again.
      await components.stop(component => component === 'marathon' || component === 'universe')
      const tasks = keepTasks ? 0 : await stopTasks(file.agents, timeout, say)
      await close()
      removeClusterFile(shape.workDir)
      return { tasks }
    },
  }
}

const isPortLost = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EADDRINUSE'

async function untilHeard(router: string, agents: number, broken: Promise<never>): Promise<void> {
  const watch = watchCluster(router, agents, () => undefined)
  try {
    await Promise.race([untilReady(watch, readyLimit), broken])
  } finally {
    watch.stop()
  }
}

function describe(started: readonly Started[], ports: Ports): ClusterFile {
  const urls = (component: string) =>
    started.filter(({ plan }) => plan.component === component).map(({ handle }) => handle.url)
  const first = (component: string) => urls(component)[0]!
  return {
    router: first('gateway'),
    master: first('master'),
    marathon: first('marathon'),
    universe: first('universe'),
    masters: urls('master'),
    agents: urls('agent'),
    dns: { address: '127.0.0.1', port: ports.dns! },
    pids: [process.pid],
    processes: [
      { component: 'up', name: 'up', pid: process.pid, url: first('gateway') },
      ...started.map(({ plan, handle }) => ({
        component: plan.component,
        name: plan.name,
        pid: process.pid,
        url: handle.url,
      })),
    ],
  }
}
