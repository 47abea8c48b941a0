import { cores, count, memory } from '../model/format.ts'
import type { Framework } from '../model/objects.ts'
import { formatRoute } from '../model/route.ts'
import { linkOfFramework } from '../model/services.ts'
import { activeBy } from '../model/tasks.ts'
import { useStore } from './context.tsx'
import { ServiceLink } from './parts/facts.tsx'
import { Section } from './parts/section.tsx'
import { Status } from './parts/status.tsx'
import { type Column, Table } from './parts/table.tsx'

interface Row {
  readonly framework: Framework
  readonly tasks: number
}

function statusOf({ active, connected, recovered }: Framework): React.ReactNode {
  if (recovered) return <Status mark="warn">not heard since the master changed</Status>
  if (connected === false) return <Status mark="bad">disconnected</Status>
  return <Status mark={active === false ? 'idle' : 'good'}>{active === false ? 'inactive' : 'active'}</Status>
}

const columns: readonly Column<Row>[] = [
  {
    name: 'Name',
    head: true,
    order: ({ framework }) => framework.name,
    cell: ({ framework }) => {
      const link = linkOfFramework(framework)
      return (
        <>
          {link ? <ServiceLink href={link}>{framework.name}</ServiceLink> : framework.name}
          <code className="quiet id cut" title={framework.id}>
            {framework.id}
          </code>
        </>
      )
    },
  },
  { name: 'Status', cell: ({ framework }) => statusOf(framework) },
  {
    name: 'Tasks',
    align: 'end',
    order: ({ tasks }) => tasks,
    cell: ({ framework, tasks }) => (
      <a href={formatRoute('tasks', undefined, { q: `is:active framework:${framework.id}` })}>{count(tasks)}</a>
    ),
  },
  {
    name: 'CPU',
    align: 'end',
    order: ({ framework }) => framework.used_resources?.cpus ?? 0,
    cell: ({ framework }) => cores(framework.used_resources?.cpus),
  },
  {
    name: 'Memory',
    align: 'end',
    order: ({ framework }) => framework.used_resources?.mem ?? 0,
    cell: ({ framework }) => memory(framework.used_resources?.mem),
  },
  { name: 'Roles', wide: true, cell: ({ framework }) => framework.roles?.join(', ') },
  { name: 'User', cell: ({ framework }) => framework.principal ?? framework.user },
  { name: 'Host', cell: ({ framework }) => framework.hostname },
]

/** Who gets offers from the master. */
export function Frameworks() {
  const store = useStore('framework', 'task')
  const tasks = activeBy(store.all('task'), 'framework_id')
  const rows = store.all('framework').map(framework => ({ framework, tasks: tasks.get(framework.id) ?? 0 }))
  return (
    <Section title="Registered frameworks" source="master" plain>
      <Table
        label="Frameworks"
        rows={rows}
        columns={columns}
        keyOf={({ framework }) => framework.id}
        addressed
        empty="No framework has registered."
      />
    </Section>
  )
}
