import { cores, memory } from '../../model/format.ts'
import { useStore } from '../context.tsx'
import { Meter } from '../parts/meter.tsx'
import { Section } from '../parts/section.tsx'
import { Deployments } from './deployments.tsx'
import { Needs } from './needs.tsx'
import { ResourceChart } from './resource-chart.tsx'
import { ServiceLinks } from './service-links.tsx'
import { TaskCounts } from './task-counts.tsx'
import { VirtualAddresses } from './virtual-addresses.tsx'

/** The whole cluster at a glance: what needs a person comes first. */
export function Overview() {
  return (
    <div className="overview">
      <Needs />
      <Resources />
      <TaskCounts />
      <Deployments />
      <ServiceLinks />
      <VirtualAddresses />
    </div>
  )
}

function Resources() {
  const cluster = useStore('cluster').get('cluster', 'cluster')
  const total = cluster?.resources ?? {}
  const used = cluster?.used_resources ?? {}
  return (
    <Section title="Resources" source="master">
      <div className="meters">
        <Meter label="CPU" used={used.cpus ?? 0} total={total.cpus ?? 0} format={cores} />
        <Meter label="Memory" used={used.mem ?? 0} total={total.mem ?? 0} format={memory} />
        <Meter label="Disk" used={used.disk ?? 0} total={total.disk ?? 0} format={memory} />
        {(total.gpus ?? 0) > 0 && <Meter label="GPU" used={used.gpus ?? 0} total={total.gpus ?? 0} format={cores} />}
      </div>
      <ResourceChart />
    </Section>
  )
}
