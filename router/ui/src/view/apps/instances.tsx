import { stateWord, timeOf } from '../../model/format.ts'
import { type Mark, markOfTask } from '../../model/marks.ts'
import type { Instance, PodInstance } from '../../model/objects.ts'
import { useStore } from '../context.tsx'
import { Age } from '../parts/age.tsx'
import { Status } from '../parts/status.tsx'
import { type Column, Table } from '../parts/table.tsx'
import { TaskLink } from './app-details.tsx'

const columns: readonly Column<Instance>[] = [
  { name: 'Task', head: true, cell: ({ id }) => <TaskLink taskId={id} /> },
  {
    name: 'State',
    cell: ({ state = 'TASK_STAGING', killing }) => (
      <Status mark={killing ? 'busy' : markOfTask(state)}>{killing ? 'killing' : stateWord(state)}</Status>
    ),
  },
  { name: 'Health', cell: ({ healthy }) => <HealthWord healthy={healthy ?? null} /> },
  { name: 'Node', cell: ({ host }) => host },
  { name: 'Ports', cell: ({ ports }) => ports?.join(', ') },
  { name: 'Started', cell: ({ startedAt, stagedAt }) => <Age at={timeOf(startedAt ?? stagedAt)} /> },
  { name: 'Version', cell: ({ app_version }) => <Age at={timeOf(app_version)} /> },
]

function HealthWord({ healthy }: { healthy: boolean | null }) {
  if (healthy === null) return <span className="quiet">not known</span>
  return <Status mark={healthy ? 'good' : 'bad'}>{healthy ? 'healthy' : 'unhealthy'}</Status>
}

export function Instances({ appId }: { appId: string }) {
  const instances = useStore('instance')
    .all('instance')
    .filter(instance => instance.appId === appId)
  return (
    <Table
      label="Instances"
      rows={instances}
      columns={columns}
      keyOf={({ id }) => id}
      addressed
      empty="No instance is on a node."
    />
  )
}

const podMarks: Readonly<Record<string, Mark>> = { STABLE: 'good', DEGRADED: 'bad', TERMINAL: 'idle' }

const podColumns: readonly Column<PodInstance>[] = [
  { name: 'Instance', head: true, cell: ({ id }) => <code>{id}</code> },
  {
    name: 'Status',
    cell: ({ status = 'PENDING' }) => <Status mark={podMarks[status] ?? 'busy'}>{status.toLowerCase()}</Status>,
  },
  { name: 'Why', wide: true, cell: ({ message }) => message },
  { name: 'Node', cell: ({ agentHostname }) => agentHostname },
  {
    name: 'Containers',
    cell: ({ containers = [] }) => containers.map(({ name, status }) => `${name} ${stateWord(status)}`).join(', '),
  },
]

export function PodInstances({ podId }: { podId: string }) {
  const instances = useStore('pod').get('pod', podId)?.instances ?? []
  return (
    <Table
      label="Instances"
      rows={instances}
      columns={podColumns}
      keyOf={({ id }) => id}
      addressed
      empty="It has no instance."
    />
  )
}
