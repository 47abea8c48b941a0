import type { TaskState } from '@meseta/common/protocol/mesos'
import { legacyAttributes } from '@meseta/common/resources/legacy'
import { leaderInfo } from '../replica/facts.ts'
import { frameworkSummaryOf, fullSlaveOf, slaveOf } from '../replica/legacy-shapes.ts'
import type { Replica } from '../replica/replica.ts'
import { legacyRoleOf, rolesIn } from '../replica/roles.ts'
import { frameworkText, taskText, withFields } from '../replica/state-text.ts'
import type { TaskRow } from '../replica/tables.ts'
import { versionInfo } from './version.ts'

// The bodies of the older endpoints, as JSON text (Mesos contract 4).

type Read = (replica: Replica, query: URLSearchParams) => string

const counted: readonly TaskState[] = [
  'TASK_STAGING',
  'TASK_STARTING',
  'TASK_RUNNING',
  'TASK_KILLING',
  'TASK_FINISHED',
  'TASK_KILLED',
  'TASK_FAILED',
  'TASK_LOST',
  'TASK_ERROR',
  'TASK_UNREACHABLE',
]

export const legacyReads: Readonly<Record<string, Read>> = {
  '/state': state,
  '/state-summary': stateSummary,
  '/slaves': slaves,
  '/frameworks': frameworks,
  '/tasks': tasks,
  '/roles': ({ tables, facts }) => JSON.stringify({ roles: rolesIn(tables, facts.weights).map(legacyRoleOf) }),
  '/weights': ({ facts }) => JSON.stringify([...facts.weights].map(([role, weight]) => ({ role, weight }))),
  '/quota': () => '{}',
  '/maintenance/schedule': () => '{}',
  '/maintenance/status': () => '{}',
}

function state(replica: Replica): string {
  const { facts, tables } = replica
  const { masterInfo } = facts
  const counts = replica.counts()
  const head = {
    ...versionInfo(facts),
    start_time: facts.startedAt / 1000,
    elected_time: facts.electedAt / 1000,
    id: masterInfo.id,
    pid: masterInfo.pid,
    hostname: masterInfo.hostname,
    capabilities: (masterInfo.capabilities ?? []).map(({ type }) => type),
    activated_slaves: counts.agents_active,
    deactivated_slaves: counts.agents_inactive,
    unreachable_slaves: counts.agents_unreachable,
    ...(masterInfo.domain ? { domain: masterInfo.domain } : {}),
    leader: masterInfo.pid,
    leader_info: leaderInfo(masterInfo),
    followers: replica.masters.filter(({ id }) => id !== masterInfo.id).map(leaderInfo),
    cluster: facts.clusterName,
    flags: facts.flags,
    slaves: [...tables.agents.values()].map(slaveOf),
    recovered_slaves: recovered(replica),
    orphan_tasks: [],
    unregistered_frameworks: [],
  }
  return withFields(head, {
    frameworks: [...tables.frameworks.values()].map(frameworkText),
    completed_frameworks: [...tables.completedFrameworks.values()].map(frameworkText),
  })
}

const recovered = ({ tables }: Replica) =>
  [...tables.recoveredAgents.values()].map(info => ({
    id: info.id!.value,
    hostname: info.hostname,
    port: info.port ?? 5051,
    attributes: legacyAttributes(info.attributes ?? []),
  }))

function counters(counts: ReadonlyMap<TaskState, number>): Record<string, number> {
  return Object.fromEntries(counted.map(name => [name, counts.get(name) ?? 0]))
}

function stateSummary(replica: Replica): string {
  const { tables, facts } = replica
  return JSON.stringify({
    hostname: facts.masterInfo.hostname,
    cluster: facts.clusterName,
    slaves: [...tables.agents.values()].map(row => ({
      ...slaveOf(row),
      ...counters(row.counters),
      framework_ids: [...row.frameworks.keys()],
    })),
    frameworks: [...tables.frameworks.values()].map(row => ({
      ...frameworkSummaryOf(row),
      ...counters(row.counters),
      slave_ids: [...row.agents.keys()],
    })),
  })
}

function slaves(replica: Replica, query: URLSearchParams): string {
  const wanted = query.get('slave_id')
  const rows = [...replica.tables.agents].filter(([id]) => wanted === null || id === wanted)
  return JSON.stringify({
    slaves: rows.map(([, row]) => fullSlaveOf(row)),
    recovered_slaves: recovered(replica).filter(({ id }) => wanted === null || id === wanted),
  })
}

function frameworks({ tables }: Replica, query: URLSearchParams): string {
  const wanted = query.get('framework_id')
  const texts = (rows: ReadonlyMap<string, Parameters<typeof frameworkText>[0]>) =>
    [...rows].filter(([id]) => wanted === null || id === wanted).map(([, row]) => frameworkText(row))
  return withFields(
    { unregistered_frameworks: [] },
    { frameworks: texts(tables.frameworks), completed_frameworks: texts(tables.completedFrameworks) },
  )
}

/** Sorted by the time of the first status, newest first unless `order=asc`; a negative limit means all. */
function tasks({ tables }: Replica, query: URLSearchParams): string {
  const frameworkId = query.get('framework_id')
  const taskId = query.get('task_id')
  const limit = number(query.get('limit'), 100)
  const offset = Math.max(0, number(query.get('offset'), 0))
  const rows: TaskRow[] = []
  for (const [id, row] of [...tables.frameworks, ...tables.completedFrameworks]) {
    if (frameworkId !== null && id !== frameworkId) continue
    for (const task of [...row.tasks.values(), ...row.completed])
      if (taskId === null || task.task.task_id.value === taskId) rows.push(task)
  }
  const direction = query.get('order') === 'asc' ? 1 : -1
  const firstTime = ({ task }: TaskRow) => task.statuses?.[0]?.timestamp ?? 0
  rows.sort((a, b) => direction * (firstTime(a) - firstTime(b)))
  return withFields({}, { tasks: rows.slice(offset, limit < 0 ? undefined : offset + limit).map(taskText) })
}

function number(text: string | null, otherwise: number): number {
  const value = text === null || text === '' ? Number.NaN : Number(text)
  return Number.isInteger(value) ? value : otherwise
}
