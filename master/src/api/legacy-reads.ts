import { toJson } from '@meseta/common/protocol/codec'
import type { FrameworkInfo, MessageName, MessageTypes, TaskState } from '@meseta/common/protocol/mesos'
import { legacyAttributes } from '@meseta/common/resources/legacy'
import { leaderInfo } from '../replica/facts.ts'
import { frameworkOf, frameworkSummaryOf, fullSlaveText, joined, slaveText } from '../replica/legacy-shapes.ts'
import { list, type Page, type Slices, type Write, whole } from '../replica/pages.ts'
import type { Replica } from '../replica/replica.ts'
import { legacyRoleOf, rolesIn } from '../replica/roles.ts'
import { maintenanceStatus, quotaStatus, scheduleOf, weightInfos } from '../replica/settings-shapes.ts'
import { sorted } from '../replica/sorted.ts'
import type { Frozen, FrozenFramework, Tables } from '../replica/tables.ts'
import type { TaskRow } from '../replica/task-rows.ts'
import { seesAll, type Views } from '../replica/views.ts'
import { explainTask } from './explain-task.ts'
import { versionInfo } from './version.ts'

// The bodies of the older endpoints, as JSON (Mesos contract 4).

/** What a read is made from. What it takes from the replica it takes at once; what it writes later is frozen. */
export interface Reading {
  readonly replica: Replica
  /** The tables as they are now; they are released when the answer is written. */
  readonly freeze: Tables['freeze']
  readonly query: URLSearchParams
  readonly views: Views
}

const json = (body: unknown): Write => whole(JSON.stringify(body))
const message = <Name extends MessageName>(name: Name, body: MessageTypes[Name]): Write => json(toJson(name, body))

export const legacyReads: Readonly<Record<string, (reading: Reading) => Write>> = {
  '/state': state,
  '/state-summary': stateSummary,
  '/slaves': slaves,
  '/frameworks': frameworks,
  '/tasks': tasks,
  '/roles': ({ replica: { tables, weights }, views }) =>
    json({
      roles: rolesIn(tables, weights)
        .filter(({ name }) => views.role(name))
        .map(legacyRoleOf),
    }),
  '/weights': ({ replica: { weights }, views }) => json(weightInfos(weights, views)),
  '/quota': ({ replica: { tables }, views }) =>
    message('mesos.v1.quota.QuotaStatus', quotaStatus(tables.settings, views)),
  '/maintenance/schedule': ({ replica: { tables } }) =>
    message('mesos.v1.maintenance.Schedule', scheduleOf(tables.settings)),
  '/maintenance/status': ({ replica: { tables } }) =>
    message('mesos.v1.maintenance.ClusterStatus', maintenanceStatus(tables)),
  // Ours: why a task is where it is.
  '/explain/task': ({ replica: { tables }, query, views }) => explainTask(tables, query, views),
}

/** Where its log is, for pages that show it. */
const logFields = ({ log_dir, external_log_file, log_file }: Readonly<Record<string, string>>) => ({
  ...(log_dir === undefined ? {} : { log_dir }),
  ...((external_log_file ?? log_file) ? { external_log_file: external_log_file ?? log_file } : {}),
})

function state({ replica, freeze, views }: Reading): Write {
  const { facts } = replica
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
    ...logFields(facts.flags),
    ...(views.flags() ? { flags: facts.flags } : {}),
    orphan_tasks: [],
    unregistered_frameworks: [],
  }
  const frozen = freeze({ tasks: true })
  return function* (page) {
    page.text(JSON.stringify(head).slice(0, -1))
    page.text(',"slaves":[')
    yield* list(page, frozen.agents, row => slaveText(row, views))
    page.text('],"recovered_slaves":[')
    yield* list(page, frozen.recoveredAgents, info => JSON.stringify(recoveredOf(info)))
    page.text('],')
    yield* bothFrameworks(page, frozen, views)
    page.text('}')
  }
}

function* bothFrameworks(page: Page, frozen: Frozen, views: Views): Slices {
  page.text('"frameworks":[')
  yield* frameworksWithTasks(page, frozen.frameworks, views)
  page.text('],"completed_frameworks":[')
  yield* frameworksWithTasks(page, frozen.completedFrameworks, views)
  page.text(']')
}

function* frameworksWithTasks(page: Page, frameworks: readonly FrozenFramework[], views: Views): Slices {
  let first = true
  for (const { row, tasks } of frameworks) {
    const { info } = row.view
    if (!views.framework(info)) continue
    if (!first) page.text(',')
    first = false
    page.text(JSON.stringify(frameworkOf(row, views)).slice(0, -1))
    for (const [name, fate] of fates) {
      page.text(`,"${name}":[`)
      yield* list(page, tasks[fate], row => (maySee(views, row, info) ? row.legacy : undefined))
      page.text(']')
    }
    page.text('}')
    if (page.row()) yield
  }
}

/** A task is only looked into where views differ. */
const maySee = (views: Views, row: TaskRow, info: FrameworkInfo): boolean =>
  views === seesAll || views.task(row.task, info)

const fates = [
  ['tasks', 'active'],
  ['unreachable_tasks', 'unreachable'],
  ['completed_tasks', 'completed'],
] as const

const recoveredOf = (info: Frozen['recoveredAgents'][number]) => ({
  id: info.id!.value,
  hostname: info.hostname,
  port: info.port ?? 5051,
  attributes: legacyAttributes(info.attributes ?? []),
})

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

function counters(counts: ReadonlyMap<TaskState, number>): Record<string, number> {
  return Object.fromEntries(counted.map(name => [name, counts.get(name) ?? 0]))
}

function stateSummary({ replica: { facts }, freeze, views }: Reading): Write {
  const { agents, frameworks } = freeze({ tasks: false })
  const hidden = new Set(frameworks.filter(({ row }) => !views.framework(row.view.info)).map(({ row }) => row.id))
  return function* (page) {
    /** By framework: the agents that have something of it. */
    const agentIds = new Map(frameworks.map(({ row }) => [row.id, [] as string[]]))
    page.text(JSON.stringify({ hostname: facts.masterInfo.hostname, cluster: facts.clusterName }).slice(0, -1))
    page.text(',"slaves":[')
    yield* list(page, agents, row => {
      for (const id of row.frameworks.keys()) agentIds.get(id)?.push(row.id)
      const framework_ids = [...row.frameworks.keys()].filter(id => !hidden.has(id))
      return joined(slaveText(row, views), { ...counters(row.counters), framework_ids })
    })
    page.text('],"frameworks":[')
    yield* list(page, frameworks, ({ row }) =>
      hidden.has(row.id)
        ? undefined
        : JSON.stringify({ ...frameworkSummaryOf(row), ...counters(row.counters), slave_ids: agentIds.get(row.id) }),
    )
    page.text(']}')
  }
}

function slaves({ freeze, query, views }: Reading): Write {
  const wanted = query.get('slave_id')
  const frozen = freeze({ tasks: false })
  const isWanted = (id: string) => wanted === null || id === wanted
  return function* (page) {
    page.text('{"slaves":[')
    yield* list(page, frozen.agents, row => (isWanted(row.id) ? fullSlaveText(row, views) : undefined))
    page.text('],"recovered_slaves":[')
    yield* list(page, frozen.recoveredAgents, info =>
      isWanted(info.id!.value) ? JSON.stringify(recoveredOf(info)) : undefined,
    )
    page.text(']}')
  }
}

function frameworks({ freeze, query, views }: Reading): Write {
  const wanted = query.get('framework_id')
  const all = freeze({ tasks: true })
  const some = (frameworks: readonly FrozenFramework[]) =>
    frameworks.filter(({ row }) => wanted === null || row.id === wanted)
  const frozen = {
    ...all,
    frameworks: some(all.frameworks),
    completedFrameworks: some(all.completedFrameworks),
  }
  return function* (page) {
    page.text('{"unregistered_frameworks":[],')
    yield* bothFrameworks(page, frozen, views)
    page.text('}')
  }
}

/** Sorted by the time of the first status, newest first unless `order=asc`; a negative limit means all. */
function tasks(reading: Reading): Write {
  const { freeze, query, views } = reading
  const frameworkId = query.get('framework_id')
  if (query.has('task_id')) return tasksNamed(reading)
  const { limit, offset, compare } = orderOf(query)
  const frozen = freeze({ tasks: true })
  function* rows() {
    for (const { row, tasks } of [...frozen.frameworks, ...frozen.completedFrameworks]) {
      if (frameworkId !== null && row.id !== frameworkId) continue
      for (const [, fate] of fates) for (const task of tasks[fate]) if (maySee(views, task, row.view.info)) yield task
    }
  }
  return function* (page) {
    const all = yield* sorted(page, rows(), compare)
    for (let skipped = 0; skipped < offset && !all.next().done; skipped++) if (page.row()) yield
    page.text('{"tasks":[')
    yield* list(page, firstOf(all, limit), row => row.legacy)
    page.text(']}')
  }
}

/** Which of the tasks are wanted, and in which order. */
function orderOf(query: URLSearchParams) {
  const limit = number(query.get('limit'), 100)
  const direction = query.get('order') === 'asc' ? 1 : -1
  return {
    limit: limit < 0 ? Number.POSITIVE_INFINITY : limit,
    offset: Math.max(0, number(query.get('offset'), 0)),
    compare: (a: TaskRow, b: TaskRow): number => direction * (a.since - b.since),
  }
}

/** Few, and found without looking at others. */
function tasksNamed({ replica: { tables }, query, views }: Reading): Write {
  const { limit, offset, compare } = orderOf(query)
  const rows = [...tables.named(query.get('task_id')!, query.get('framework_id'))]
    .filter(([{ view }, row]) => maySee(views, row, view.info))
    .map(([, row]) => row)
    .sort(compare)
    .slice(offset, offset + limit)
  return whole(`{"tasks":[${rows.map(({ legacy }) => Buffer.from(legacy).toString())}]}`)
}

function* firstOf<Row>(rows: Iterator<Row>, limit: number): Generator<Row> {
  for (let taken = 0; taken < limit; taken++) {
    const { done, value } = rows.next()
    if (done) return
    yield value
  }
}

function number(text: string | null, otherwise: number): number {
  const value = text === null || text === '' ? Number.NaN : Number(text)
  return Number.isInteger(value) ? value : otherwise
}
