import { useState } from 'react'
import { markOfStatus } from '../../model/app-status.ts'
import { cores, dateTime, memory, shortened, stateWord, timeOf } from '../../model/format.ts'
import { markOfTask } from '../../model/marks.ts'
import type { App, Wait } from '../../model/objects.ts'
import { formatRoute } from '../../model/route.ts'
import { type Service, serviceOf } from '../../model/services.ts'
import { useStore } from '../context.tsx'
import { Age } from '../parts/age.tsx'
import { Facts, ServiceLink } from '../parts/facts.tsx'
import { RefusalNote } from '../parts/refusal.tsx'
import { Section } from '../parts/section.tsx'
import { Status } from '../parts/status.tsx'
import { AppActions } from './app-actions.tsx'
import { Health } from './apps.tsx'
import { useDefinition } from './definition-dialog.tsx'
import { Instances, PodInstances } from './instances.tsx'

/** One app or pod: its state and why, its instances, its last failure, its definition, and what can be done. */
export function AppDetails({ id }: { id: string }) {
  const store = useStore('app', 'pod', 'deployment', 'wait')
  const service = serviceOf(store, id)
  const [shown, setShown] = useState(false)
  if (!service)
    return (
      <p className="empty">
        There is no app {id}. <a href="#/apps">All apps</a>
      </p>
    )
  const app = store.get('app', id)
  return (
    <>
      <Section title={id} source="marathon" aside={<AppActions service={service} />}>
        <p className="lead">
          <Status mark={markOfStatus(service.status)}>{service.status}</Status>
          {service.reason && <span className="reason">{service.reason}</span>}
        </p>
        {service.wait && <WaitDetails wait={service.wait} />}
        <Facts facts={factsOf(service, app)} />
      </Section>
      {app?.lastTaskFailure && <LastFailure app={app} />}
      <Section title="Instances" source="marathon">
        {service.kind === 'app' ? <Instances appId={id} /> : <PodInstances podId={id} />}
      </Section>
      <Section
        title="Definition"
        source="marathon"
        aside={
          <button type="button" aria-expanded={shown} onClick={() => setShown(!shown)}>
            {shown ? 'Hide' : 'Show JSON'}
          </button>
        }
      >
        {shown && <DefinitionText kind={service.kind} id={id} />}
      </Section>
    </>
  )
}

const factsOf = (service: Service, app: App | undefined): [string, React.ReactNode][] => [
  ['Page', service.link && <ServiceLink href={service.link}>{service.link}</ServiceLink>],
  ['Instances', `${service.running} of ${service.wanted} running`],
  ['Health', <Health key="health" service={service} />],
  ['Each has', `${cores(service.cpus)} CPU, ${memory(service.mem)}${app?.disk ? `, ${memory(app.disk)} disk` : ''}`],
  ['Command', app?.cmd && <code>{app.cmd}</code>],
  ['Image', service.image && <code>{service.image}</code>],
  ['Configured', <Age key="age" at={service.changedAt} />],
  ['Scaled', app?.versionInfo?.lastScalingAt && <Age key="age" at={timeOf(app.versionInfo.lastScalingAt)} />],
  [
    'Labels',
    Object.keys(service.labels).length > 0 && (
      <span className="chips">
        {Object.entries(service.labels).map(([name, value]) => (
          <code key={name} className="chip" title={value}>
            {name}={value.length > 60 ? `${value.slice(0, 60)}…` : value}
          </code>
        ))}
      </span>
    ),
  ],
]

/** The agents that can not take it, by reason. */
function WaitDetails({ wait: { agents = [], since, count } }: { wait: Wait }) {
  return (
    <div className="note">
      <p>
        {count ? `${count} waiting` : 'Waiting'}, begun <Age at={timeOf(since)} />
      </p>
      {agents.length > 0 && (
        <ul>
          {agents.map(agent => (
            <li key={agent.reason ?? ''}>
              {agent.count ?? 1} {(agent.count ?? 1) === 1 ? 'node' : 'nodes'}: {agent.reason}
              {agent.numbers !== undefined && <span className="quiet"> {numbersOf(agent.numbers)}</span>}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

function numbersOf(numbers: unknown): string {
  if (typeof numbers !== 'object' || numbers === null) return String(numbers)
  return Object.entries(numbers)
    .map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(', ')
}

function LastFailure({ app: { lastTaskFailure: failure } }: { app: App }) {
  if (!failure) return null
  return (
    <Section title="Last failure" source="marathon">
      <p className="lead">
        <Status mark={markOfTask(failure.state ?? 'TASK_FAILED')}>{stateWord(failure.state ?? 'TASK_FAILED')}</Status>
        <span className="reason">{failure.message || 'no reason was given'}</span>
      </p>
      <Facts
        facts={[
          ['Task', failure.taskId && <TaskLink taskId={failure.taskId} />],
          ['Node', failure.host],
          ['When', failure.timestamp && dateTime(timeOf(failure.timestamp))],
          ['Version', failure.version],
        ]}
      />
    </Section>
  )
}

/** A task is known by its framework too: the master's own object tells which. */
export function TaskLink({ taskId }: { taskId: string }) {
  const found = useStore('task')
    .entries('task')
    .find(([, task]) => task.id === taskId)
  return found ? (
    <a href={formatRoute('tasks', found[0])} title={taskId} className="task-id">
      {shortened(taskId)}
    </a>
  ) : (
    <code title={taskId}>{shortened(taskId)}</code>
  )
}

function DefinitionText({ kind, id }: { kind: 'app' | 'pod'; id: string }) {
  const { text, refusal } = useDefinition(kind, id)
  if (refusal) return <RefusalNote refusal={refusal} />
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
    <section className="text" tabIndex={0} aria-label="Definition as JSON">
      <pre>{text ?? 'Reading …'}</pre>
    </section>
  )
}
