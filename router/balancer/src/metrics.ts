import type { Context } from '@meseta/common/service/component'
import { gauge } from '@meseta/common/service/metrics'
import type { Plane } from './plane.ts'
import type { VipTable } from './table/vip-table.ts'

export function createMetrics(registry: Context<unknown>['metrics'], table: VipTable, plane: Plane): void {
  const gauges = {
    vips: () => table.counts.vips,
    tasks: () => table.counts.tasks,
    agents: () => table.counts.agents,
    connections: () => plane.connections,
  }
  for (const [name, count] of Object.entries(gauges))
    gauge(registry, {
      name: `meseta_balancer_${name}`,
      help: `Number of ${name} now.`,
      collect() {
        this.set(count())
      },
    })
}
