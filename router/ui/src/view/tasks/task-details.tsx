import { cores, dateTime, memory, reasonWord, stateWord } from '../../model/format.ts'
import { isActive, markOfTask } from '../../model/marks.ts'
import { formatRoute } from '../../model/route.ts'
import { namesIn, taskRowOf } from '../../model/tasks.ts'
import { useStore } from '../context.tsx'
import { Facts } from '../parts/facts.tsx'
import { Section } from '../parts/section.tsx'
import { Status } from '../parts/status.tsx'
import { Logs } from './logs.tsx'

/** One task: what it is, what became of it, and what it wrote. */
export function TaskDetails({ taskKey }: { taskKey: string }) {
  const store = useStore('task', 'agent', 'instance')
  const task = store.get('task', taskKey)
  if (!task)
    return (
      <p className="empty">
        The master does not know this task, or no longer. <a href="#/tasks">All tasks</a>
      </p>
    )
  const { node, app, startedAt, health } = taskRowOf(namesIn(store), taskKey, task)
  return (
    <>
      <Section title={task.id} source="master">
        <p className="lead">
          <Status mark={markOfTask(task.state)}>{stateWord(task.state)}</Status>
          {health && <Status mark={health === 'healthy' ? 'good' : 'bad'}>{health}</Status>}
          <span className="reason">{task.message}</span>
        </p>
        <Facts
          facts={[
            ['Reason', task.reason && reasonWord(task.reason)],
            ['App', app && <a href={formatRoute('apps', app)}>{app}</a>],
            ['Framework', task.framework_name ?? task.framework_id],
            ['Node', node],
            ['Has', `${cores(task.resources?.cpus)} CPU, ${memory(task.resources?.mem)}`],
            ['Ports', task.resources?.ports],
            ['Role', task.role],
            ['User', task.user],
            ['Started', dateTime(startedAt)],
            [
              'History',
              (task.statuses?.length ?? 0) > 0 && (
                <ol className="history">
                  {task.statuses?.map(({ state, timestamp = 0 }) => (
                    <li key={`${state} ${timestamp}`}>
                      <span className="quiet">{dateTime(timestamp * 1000)}</span> {stateWord(state)}
                    </li>
                  ))}
                </ol>
              ),
            ],
          ]}
        />
      </Section>
      <Logs key={taskKey} task={task} live={isActive(task.state)} />
    </>
  )
}
