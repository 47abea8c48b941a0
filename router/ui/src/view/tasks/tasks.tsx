import { compileFilter } from '../../model/filter.ts'
import { cores, memory, reasonWord, shortened, stateWord } from '../../model/format.ts'
import { markOfTask } from '../../model/marks.ts'
import { formatRoute } from '../../model/route.ts'
import { readableTask, type TaskRow, taskRowsOf } from '../../model/tasks.ts'
import { useQuery, useStore } from '../context.tsx'
import { Age } from '../parts/age.tsx'
import { FilterBox } from '../parts/filter-box.tsx'
import { Section } from '../parts/section.tsx'
import { Status } from '../parts/status.tsx'
import { type Column, Table } from '../parts/table.tsx'

const columns: readonly Column<TaskRow>[] = [
  {
    name: 'Task',
    head: true,
    order: ({ task }) => task.id,
    cell: ({ key, task }) => (
      <a href={formatRoute('tasks', key)} title={task.id} className="task-id">
        {shortened(task.id)}
      </a>
    ),
  },
  {
    name: 'State',
    order: ({ task }) => task.state,
    cell: ({ task: { state } }) => <Status mark={markOfTask(state)}>{stateWord(state)}</Status>,
  },
  { name: 'Why', wide: true, cell: ({ task }) => whyOf(task) },
  {
    name: 'Health',
    order: ({ health }) => health,
    cell: ({ health }) => health && <Status mark={health === 'healthy' ? 'good' : 'bad'}>{health}</Status>,
  },
  { name: 'Framework', order: ({ task }) => task.framework_name ?? '', cell: ({ task }) => task.framework_name },
  { name: 'Node', order: ({ node }) => node, cell: ({ node }) => node },
  {
    name: 'CPU',
    align: 'end',
    order: ({ task }) => task.resources?.cpus ?? 0,
    cell: ({ task }) => cores(task.resources?.cpus),
  },
  {
    name: 'Memory',
    align: 'end',
    order: ({ task }) => task.resources?.mem ?? 0,
    cell: ({ task }) => memory(task.resources?.mem),
  },
  { name: 'Updated', order: ({ updatedAt }) => updatedAt || 0, cell: ({ updatedAt }) => <Age at={updatedAt} /> },
]

/** What went wrong; a task that is well needs no words. */
function whyOf({ state, message, reason }: TaskRow['task']) {
  if (state === 'TASK_RUNNING' || state === 'TASK_FINISHED') return null
  const words = message || reasonWord(reason)
  return words && <span className="reason">{words}</span>
}

/** Every task that the master knows, active ones first. */
export function Tasks() {
  const rows = taskRowsOf(useStore('task', 'agent', 'instance'))
  const [query, setQuery] = useQuery('q')
  const filter = compileFilter(query, readableTask)
  const shown = rows.filter(filter.matches)
  return (
    <Section title="All tasks" source="master" plain>
      <FilterBox
        value={query}
        change={setQuery}
        placeholder="id, is:failed, app:/web, node:agent-1, mem>1g"
        shown={shown.length}
        total={rows.length}
        problems={filter.problems}
        presets={[
          ['All', ''],
          ['Active', 'is:active'],
          ['Completed', 'is:completed'],
          ['Failed', 'is:failed'],
        ]}
      />
      <Table
        label="Tasks"
        rows={shown}
        columns={columns}
        keyOf={({ key }) => key}
        addressed
        empty={rows.length === 0 ? 'No task has run yet.' : 'No task matches the filter.'}
      />
    </Section>
  )
}
