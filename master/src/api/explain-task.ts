import type { Task, TaskStatus } from '@meseta/common/protocol/mesos'
import { isTerminal } from '@meseta/common/protocol/task-state'
import { type Write, whole } from '../replica/pages.ts'
import type { FrameworkRow, Tables } from '../replica/tables.ts'
import type { Fate, TaskRow } from '../replica/task-rows.ts'
import type { Views } from '../replica/views.ts'
import type { TaskStep } from '../state/changes.ts'
import { agentSentence, type Step, statusSentence, stepSentence } from './task-sentences.ts'

/** Of one id: frameworks may use the same, and one framework again and again. */
const maxTasks = 20

/**
 * `GET /explain/task?task_id=…[&framework_id=…]`: the whole way of each task of that id, with its times and who said what, a
 * sentence a step; of the newest ones, active ones first.
 */
export function explainTask(tables: Tables, query: URLSearchParams, views: Views): Write {
  const id = query.get('task_id') ?? ''
  const frameworkId = query.get('framework_id')
  const found = [...tables.named(id, frameworkId)].filter(([{ view }, row]) => views.task(row.task, view.info))
  const tasks = found.slice(0, maxTasks).map(([framework, row]) => wayOf(tables, framework, row))
  const sentence =
    tasks.length === 0
      ? 'No task of this id is known: it was never launched here, or it has fallen out of the history of completed tasks.'
      : undefined
  return whole(JSON.stringify({ task_id: id, tasks, omitted: found.length - tasks.length, sentence }))
}

function wayOf(tables: Tables, framework: FrameworkRow, { task, fate }: TaskRow): object {
  const { info, connected } = framework.view
  // Of an id that is used again only the newest task's are known.
  const asked = fate === 'completed' && framework.slots.has(task.task_id.value) ? [] : stepsAsked(tables, task)
  const told = (task.statuses ?? []).map(status => statusStep(tables, status))
  const steps = [...asked.map(askedStep), ...told].sort((a, b) => a.timestamp - b.timestamp)
  return {
    name: task.name,
    framework: { id: framework.id, name: info.name, connected, completed: framework.completedAt !== undefined },
    agent: agentOf(tables, task.agent_id.value),
    executor_id: task.executor_id?.value,
    state: task.state,
    fate,
    steps: steps.map(({ timestamp, ...step }) => ({
      time: new Date(timestamp * 1000).toISOString(),
      timestamp,
      ...step,
    })),
    acknowledgement: acknowledgementOf(task, fate),
  }
}

const stepsAsked = (tables: Tables, { framework_id, task_id }: Task): readonly TaskStep[] =>
  tables.steps.of(framework_id.value, task_id.value)

const sayers = { LAUNCHED: 'framework', KILL_ASKED: 'framework', UNREACHABLE: 'master', RETURNED: 'agent' } as const

function askedStep(step: TaskStep): Step {
  const { at, code, offers, graceNanoseconds } = step
  return {
    timestamp: at / 1000,
    code,
    by: sayers[code],
    sentence: stepSentence(step),
    ...(offers === undefined ? {} : { offers }),
    ...(graceNanoseconds === undefined ? {} : { grace_seconds: graceNanoseconds / 1e9 }),
  }
}

function statusStep(tables: Tables, status: TaskStatus): Step {
  const { state, source, reason, message, healthy, uuid, timestamp = 0, agent_id } = status
  const hostname = tables.agents.get(agent_id?.value ?? '')?.view.info.hostname
  return {
    timestamp,
    code: state,
    by: source?.replace('SOURCE_', '').toLowerCase() ?? 'unknown',
    sentence: statusSentence(status, hostname),
    ...Object.fromEntries(
      Object.entries({ reason, message, healthy, uuid }).filter(([, value]) => value !== undefined),
    ),
  }
}

/** What is known of its agent now. */
function agentOf(tables: Tables, id: string): object {
  const row = tables.agents.get(id)
  const hostname = (row?.view.info ?? tables.recoveredAgents.get(id))?.hostname
  const state = row
    ? row.view.connected
      ? 'connected'
      : 'disconnected'
    : tables.recoveredAgents.has(id)
      ? 'recovered'
      : tables.unreachableAgents.has(id)
        ? 'unreachable'
        : 'unknown'
  return {
    id,
    hostname,
    state,
    registered_time: row && row.view.registeredAt / 1000,
    reregistered_time: row?.view.reregisteredAt && row.view.reregisteredAt / 1000,
    sentence: agentSentence(state),
  }
}

/** Whether the framework has still to acknowledge something, as far as the master knows. */
function acknowledgementOf(task: Task, fate: Fate): object {
  const { status_update_state: forwarded, status_update_uuid: uuid, state } = task
  if (fate === 'completed') return { outstanding: false, sentence: 'Nothing waits for an acknowledgement.' }
  if (isTerminal(state) && forwarded === state)
    return { outstanding: true, uuid, sentence: `Its end, ${state}, was told and is not acknowledged yet.` }
  if (forwarded !== state && forwarded !== undefined)
    return {
      outstanding: true,
      uuid,
      sentence: `${forwarded} was told last; ${state} waits until that is acknowledged.`,
    }
  return {
    outstanding: undefined,
    uuid,
    sentence: 'Its newest state was told; whether that is acknowledged its agent knows.',
  }
}
