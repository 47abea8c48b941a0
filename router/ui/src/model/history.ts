import { percent } from './format.ts'
import type { Metric } from './objects.ts'

/** Columns for the chart: seconds, then percent used of CPU, memory and disk. */
export type Columns = [number[], number[], number[], number[]]

/** The points in the order of their time: the stream keeps them in a ring of keys. Pure. */
export function columnsOf(points: readonly Metric[]): Columns {
  const sorted = [...points].sort((a, b) => a.at - b.at)
  return [
    sorted.map(({ at }) => at / 1000),
    sorted.map(point => percent(point.cpus_used, point.cpus)),
    sorted.map(point => percent(point.mem_used, point.mem)),
    sorted.map(point => percent(point.disk_used, point.disk)),
  ]
}
