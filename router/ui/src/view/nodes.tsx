import { compileFilter, type Readable } from '../model/filter.ts'
import { cores, count, memory } from '../model/format.ts'
import { placeOf, statusOfAgent } from '../model/nodes.ts'
import type { Agent } from '../model/objects.ts'
import { formatRoute } from '../model/route.ts'
import { activeBy } from '../model/tasks.ts'
import { useQuery, useStore } from './context.tsx'
import { FilterBox } from './parts/filter-box.tsx'
import { Meter } from './parts/meter.tsx'
import { Section } from './parts/section.tsx'
import { Status } from './parts/status.tsx'
import { type Column, Table } from './parts/table.tsx'

interface Row {
  readonly agent: Agent
  readonly tasks: number
}

const attributesOf = ({ attributes = {} }: Agent): string[] =>
  Object.entries(attributes).map(([name, value]) => `${name}:${value}`)

const readable: Readable<Row> = {
  text: ({ agent }) => `${agent.hostname} ${agent.id} ${attributesOf(agent).join(' ')}`,
  words: {
    is: ({ agent }) => [statusOfAgent(agent).word, agent.attributes?.public_ip === 'true' ? 'public' : 'private'],
    status: ({ agent }) => statusOfAgent(agent).word,
    node: ({ agent }) => [agent.hostname, agent.id],
    attribute: ({ agent }) => attributesOf(agent),
    zone: ({ agent }) => agent.domain?.fault_domain?.zone?.name ?? '',
    region: ({ agent }) => agent.domain?.fault_domain?.region?.name ?? '',
  },
  numbers: {
    cpus: ({ agent }) => agent.resources?.cpus ?? 0,
    mem: ({ agent }) => agent.resources?.mem ?? 0,
    tasks: ({ tasks }) => tasks,
  },
}

const meter = (name: 'cpus' | 'mem' | 'disk', label: string, format: (value: number) => string): Column<Row> => ({
  name: label,
  order: ({ agent }) => (agent.used_resources?.[name] ?? 0) / (agent.resources?.[name] || 1),
  cell: ({ agent }) => (
    <Meter
      label={label}
      used={agent.used_resources?.[name] ?? 0}
      total={agent.resources?.[name] ?? 0}
      format={format}
    />
  ),
})

const columns: readonly Column<Row>[] = [
  {
    name: 'Node',
    head: true,
    order: ({ agent }) => agent.hostname,
    cell: ({ agent }) => (
      <>
        {agent.hostname}
        <code className="quiet id cut" title={agent.id}>
          {agent.id}
        </code>
      </>
    ),
  },
  {
    name: 'Status',
    order: ({ agent }) => statusOfAgent(agent).word,
    cell: ({ agent }) => <Status mark={statusOfAgent(agent).mark}>{statusOfAgent(agent).word}</Status>,
  },
  {
    name: 'Tasks',
    align: 'end',
    order: ({ tasks }) => tasks,
    cell: ({ agent, tasks }) => (
      <a href={formatRoute('tasks', undefined, { q: `is:active node:${agent.id}` })}>{count(tasks)}</a>
    ),
  },
  meter('cpus', 'CPU', cores),
  meter('mem', 'Memory', memory),
  meter('disk', 'Disk', memory),
  { name: 'Place', cell: ({ agent }) => placeOf(agent) },
  {
    name: 'Attributes',
    wide: true,
    cell: ({ agent }) =>
      attributesOf(agent).map(text => (
        <code key={text} className="chip">
          {text}
        </code>
      )),
  },
]

/** The machines: what each has, what of it is used, and how it is. */
export function Nodes() {
  const store = useStore('agent', 'task')
  const tasks = activeBy(store.all('task'), 'slave_id')
  const rows = store.all('agent').map(agent => ({ agent, tasks: tasks.get(agent.id) ?? 0 }))
  rows.sort((a, b) => a.agent.hostname.localeCompare(b.agent.hostname, 'en', { numeric: true }))
  const [query, setQuery] = useQuery('q')
  const filter = compileFilter(query, readable)
  const shown = rows.filter(filter.matches)
  return (
    <Section title="All nodes" source="master" plain>
      <FilterBox
        value={query}
        change={setQuery}
        placeholder="host, is:unreachable, zone:a, attribute:disk"
        shown={shown.length}
        total={rows.length}
        problems={filter.problems}
      />
      <Table
        label="Nodes"
        rows={shown}
        columns={columns}
        keyOf={({ agent }) => agent.id}
        addressed
        empty={rows.length === 0 ? 'No agent has registered with the master yet.' : 'No node matches the filter.'}
      />
    </Section>
  )
}
