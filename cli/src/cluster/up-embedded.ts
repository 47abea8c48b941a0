import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openCoordination } from '@meseta/common/coordination/open'
import { openBus } from '@meseta/common/messaging/open'
import { systemClock } from '@meseta/common/service/clock'
import type { Context, Handle } from '@meseta/common/service/component'
import type { FlagDefinitions, FlagValues } from '@meseta/common/service/flags'
import { createLogger } from '@meseta/common/service/logger'
import { createRegistry } from '@meseta/common/service/metrics'
import { parseFlags } from '@meseta/common/service/parse-flags'
import { systemRandom } from '@meseta/common/service/random'
import { processFlags } from '@meseta/common/service/run'
import { type ClusterFile, removeClusterFile, writeClusterFile } from './cluster-file.ts'
import { loadComponent } from './components.ts'
import { type ClusterShape, type PlannedComponent, planCluster, portWishes } from './plan.ts'
import { choosePorts } from './ports.ts'
import { untilReady, watchCluster } from './ready.ts'
import type { RunningCluster, Say } from './running.ts'
import { stopTasks } from './stop-tasks.ts'

interface Started {
  readonly plan: PlannedComponent
  readonly handle: Handle
}

const readyLimit = 60_000

/** A whole cluster in this process, on the embedded store and bus. An error that no component handles ends it whole. */
export async function upEmbedded(shape: ClusterShape, say: Say): Promise<RunningCluster> {
  const logFolder = join(shape.workDir, 'log')
  mkdirSync(logFolder, { recursive: true, mode: 0o700 })
  const log = createLogger({ name: 'meseta', level: shape.logLevel, file: join(logFolder, 'meseta.log') })
  const ports = await choosePorts(shape.workDir, portWishes(shape), new Set(), say)
  const basics = { clock: systemClock, random: systemRandom, log }
  const coordination = await openCoordination(shape.store, basics)
  const bus = await openBus(shape.bus, basics)
  const broken = Promise.withResolvers<never>()
  // Whoever waits on `broken` hears of it; when nobody does yet, the process still must not die of it unheard.
  broken.promise.catch(() => undefined)

  const started: Started[] = []
  try {
    for (const plan of planCluster(shape, ports)) {
      const component = await loadComponent(plan.component)
      const flags = parseFlags(processFlags(component), { argv: plan.flags, env: {} }) as FlagValues<FlagDefinitions>
      const context: Context<FlagValues<FlagDefinitions>> = {
        ...basics,
        log: log.child({ component: plan.name }),
        flags,
        metrics: createRegistry(),
        store: coordination.store,
        election: coordination.election,
        bus,
        fatal: error => broken.reject(new Error(`${plan.name}: ${error.message}`, { cause: error })),
      }
      started.push({ plan, handle: await component.start(context) })
    }
  } catch (error) {
    await stopAll(started)
    await bus.close()
    await coordination.close()
    throw error
  }

  const file = describe(started, ports)
  const watch = watchCluster(file.router, shape.agents, () => undefined)
  try {
    await Promise.race([untilReady(watch, readyLimit), broken.promise])
  } catch (error) {
    await stopAll(started)
    await bus.close()
    await coordination.close()
    throw error
  } finally {
    watch.stop()
  }
  writeClusterFile(shape.workDir, file)
  return {
    file,
    broken: broken.promise,
    async end({ keepTasks, timeout }) {
      // The frameworks end first: what they no longer see they do not start again.
      const isFramework = ({ plan }: Started) => plan.component === 'marathon' || plan.component === 'universe'
      await stopAll(started.filter(isFramework))
      const tasks = keepTasks ? 0 : await stopTasks(file.agents, timeout, say)
      await stopAll(started.filter(part => !isFramework(part)))
      await bus.close()
      await coordination.close()
      removeClusterFile(shape.workDir)
      return { tasks }
    },
  }
}

/** Ends components in the reverse order of their start. */
async function stopAll(started: readonly Started[]): Promise<void> {
  for (const { handle } of started.toReversed()) await handle.stop()
}

function describe(started: readonly Started[], ports: Readonly<Record<string, number>>): ClusterFile {
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
