import { findCluster } from '../client/find-cluster.ts'
import { Router } from '../client/router.ts'
import { Failure } from '../output/failure.ts'
import { printJson } from '../output/print.ts'
import { table } from '../output/table.ts'
import { startTime } from './process-identity.ts'

export interface StatusOptions {
  readonly json: boolean
  readonly cluster?: string
  readonly workDir?: string
}

interface Summary {
  readonly cluster?: string
  readonly hostname: string
  readonly slaves: readonly {
    readonly active: boolean
    readonly resources: Record<string, number>
    readonly used_resources: Record<string, number>
  }[]
  readonly frameworks: readonly { readonly name: string; readonly active: boolean; readonly TASK_RUNNING: number }[]
}

interface Unit {
  readonly name: string
  readonly health: number
  readonly output: string
}

/** `meseta status`: what runs, whether it is well, and how much is used. Exit 1 when something is not well. */
export async function status(options: StatusOptions): Promise<void> {
  const found = findCluster(options)
  const router = new Router(found.router)
  const [summary, { units }] = await Promise.all([
    router.json<Summary>('/mesos/master/state-summary'),
    router.json<{ units: Unit[] }>('/system/health/v1'),
  ])
  const processes = (found.file?.processes ?? []).map(entry => ({
    ...entry,
    alive: startTime(entry.pid) !== undefined,
  }))
  const sum = (name: string, of: 'resources' | 'used_resources') =>
    Math.round(summary.slaves.reduce((total, agent) => total + (agent[of][name] ?? 0), 0) * 1000) / 1000
  const resources = Object.fromEntries(
    ['cpus', 'mem', 'disk', 'gpus'].map(name => [
      name,
      { used: sum(name, 'used_resources'), total: sum(name, 'resources') },
    ]),
  )
  const ill = units.filter(({ health }) => health !== 0)
  if (options.json) {
    printJson({
      cluster: summary.cluster,
      router: router.url,
      leader: summary.hostname,
      resources,
      components: units,
      processes,
    })
  } else {
    const line = (name: string, unit: string) => `${resources[name]!.used} of ${resources[name]!.total} ${unit}`
    process.stdout.write(
      `cluster ${summary.cluster ?? '(no name)'} at ${router.url}, leader ${summary.hostname}\n` +
        `${counted(summary.slaves.filter(({ active }) => active).length, 'agent')}; used: ${line('cpus', 'cpus')}, ${line('mem', 'MiB memory')}, ${line('disk', 'MiB disk')}; ` +
        `${counted(
          summary.frameworks.reduce((total, framework) => total + framework.TASK_RUNNING, 0),
          'task',
        )} running\n\n`,
    )
    process.stdout.write(
      table(
        ['component', 'health', 'detail'],
        units.map(({ name, health, output }) => [name, words[health] ?? 'unknown', output.slice(0, 100)]),
      ),
    )
    if (processes.length > 0) {
      process.stdout.write(
        `\n${table(
          ['process', 'pid', 'alive', 'url'],
          processes.map(({ name, pid, alive, url }) => [name, String(pid), alive ? 'yes' : 'no', url]),
        )}`,
      )
    }
  }
  if (ill.length > 0) {
    throw new Failure(
      `${ill.length} of ${units.length} components are not well: ${ill.map(({ name }) => name).join(', ')}`,
    )
  }
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

const words: Readonly<Record<number, string>> = { 0: 'good', 1: 'bad', 3: 'no answer' }
