/** What the chart of resources over time shows: one point. Numbers are cores and MiB. */
export interface Point {
  readonly at: number
  readonly cpus: number
  readonly mem: number
  readonly disk: number
  readonly gpus: number
  readonly cpus_used: number
  readonly mem_used: number
  readonly disk_used: number
  readonly gpus_used: number
  readonly tasks_running: number
}

/** How many points a page that opens is given: five minutes at one each two seconds. */
export const pointsKept = 150

interface ClusterNumbers {
  readonly resources?: Readonly<Record<string, unknown>>
  readonly used_resources?: Readonly<Record<string, unknown>>
  readonly counts?: Readonly<Record<string, unknown>>
}

const number = (from: Readonly<Record<string, unknown>> | undefined, name: string): number => {
  const value = from?.[name]
  return typeof value === 'number' && Number.isFinite(value) ? value : 0
}

/** The point of a moment from the master's `cluster` object. */
export function pointOf(at: number, cluster: ClusterNumbers): Point {
  const { resources, used_resources: used, counts } = cluster
  return {
    at,
    cpus: number(resources, 'cpus'),
    mem: number(resources, 'mem'),
    disk: number(resources, 'disk'),
    gpus: number(resources, 'gpus'),
    cpus_used: number(used, 'cpus'),
    mem_used: number(used, 'mem'),
    disk_used: number(used, 'disk'),
    gpus_used: number(used, 'gpus'),
    tasks_running: number(counts, 'TASK_RUNNING'),
  }
}
