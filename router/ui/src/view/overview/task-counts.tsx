import { count, stateWord } from '../../model/format.ts'
import { markOfTask } from '../../model/marks.ts'
import { countByState } from '../../model/tasks.ts'
import { useStore } from '../context.tsx'
import { Section } from '../parts/section.tsx'
import { Status } from '../parts/status.tsx'

/** How many tasks are in each state; each number leads to its tasks. */
export function TaskCounts() {
  const counts = countByState(useStore('task').all('task'))
  return (
    <Section title="Tasks" source="master">
      {counts.length === 0 ? (
        <p className="empty">
          No task has run yet. <a href="#/catalog">Install a package</a> or <a href="#/apps?new=1">deploy an app</a>.
        </p>
      ) : (
        <ul className="counts">
          {counts.map(([state, number]) => (
            <li key={state}>
              <a href={`#/tasks?q=state:${stateWord(state).replaceAll(' ', '_')}`}>
                <span className="count-number">{count(number)}</span>
                <Status mark={markOfTask(state)}>{stateWord(state)}</Status>
              </a>
            </li>
          ))}
        </ul>
      )}
    </Section>
  )
}
