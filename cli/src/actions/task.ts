import { setTimeout as sleep } from 'node:timers/promises'
import type { ClusterOptions } from '../client/find-cluster.ts'
import { type MesosTask, matching, noTask, readState, tasksOf } from '../client/mesos.ts'
import { Router } from '../client/router.ts'
import { TaskLog } from '../client/task-log.ts'
import { Failure } from '../output/failure.ts'
import { printJson, printRows } from '../output/print.ts'

interface WhichOptions extends ClusterOptions {
  readonly all: boolean
  readonly completed: boolean
}

interface ListOptions extends WhichOptions {
  readonly json: boolean
  readonly quiet: boolean
  readonly agentId?: string
}

const which = ({ all, completed }: WhichOptions) => ({ running: all || !completed, ended: all || completed })

export async function list(text: string | undefined, options: ListOptions): Promise<void> {
  const state = await readState(Router.find(options))
  const agents = new Map(state.slaves.map(agent => [agent.id, agent]))
  const all = tasksOf(state, which(options)).filter(
    ({ slave_id }) => options.agentId === undefined || slave_id === options.agentId,
  )
  const tasks = matching(all, text)
  if (text !== undefined && tasks.length === 0 && !options.json) throw noTask(text, all)
  if (options.quiet) {
    for (const { id } of tasks) process.stdout.write(`${id}\n`)
    return
  }
  const region = (task: MesosTask) => agents.get(task.slave_id)?.domain?.fault_domain
  printRows(options.json, tasks, ['name', 'host', 'user', 'state', 'id', 'agent id', 'region', 'zone'], () =>
    tasks.map(task => [
      task.name,
      agents.get(task.slave_id)?.hostname ?? 'N/A',
      task.user ?? 'N/A',
      task.state,
      task.id,
      task.slave_id,
      region(task)?.region?.name ?? 'N/A',
      region(task)?.zone?.name ?? 'N/A',
    ]),
  )
}

interface LogOptions extends WhichOptions {
  readonly follow: boolean
  readonly lines: string
}

/** How often a followed log is looked at: the files API has no stream. */
const followInterval = 250
/** No more logs are followed at once. */
const mostFollowed = 50

export async function log(text: string, file: string | undefined, options: LogOptions): Promise<void> {
  const router = Router.find(options)
  const state = await readState(router)
  const lines = Number(options.lines)
  if (!Number.isInteger(lines) || lines < 0)
    throw new Failure(`--lines takes a whole number from 0, not "${options.lines}"`, { exit: 'usage' })
  const running = matching(tasksOf(state, which(options)), text)
  // A task that has ended is still worth reading when no running one is meant.
  const tasks = running.length > 0 ? running : matching(tasksOf(state, { running: true, ended: true }), text)
  if (tasks.length === 0) throw noTask(text, tasksOf(state, { running: true, ended: true }))
  if (options.follow && tasks.length > mostFollowed) {
    throw new Failure(`${tasks.length} tasks match; at most ${mostFollowed} logs are followed at once`, {
      exit: 'usage',
    })
  }
  const logs = tasks.map(task => new TaskLog(router, task, file ?? 'stdout'))
  for (const one of logs) {
    if (logs.length > 1) process.stdout.write(`===> ${one.task.id} <===\n`)
    process.stdout.write(await one.tail(lines))
  }
  if (!options.follow) return
  let last = logs.length === 1 ? logs[0] : undefined
  while (true) {
    await sleep(followInterval)
    for (const one of logs) {
      const more = await one.more()
      if (more === '') continue
      if (one !== last) process.stdout.write(`===> ${one.task.id} <===\n`)
      last = one
      process.stdout.write(more)
    }
  }
}

export async function show(text: string, options: ClusterOptions): Promise<void> {
  const state = await readState(Router.find(options))
  const all = tasksOf(state, { running: true, ended: true })
  const exact = all.filter(({ id }) => id === text)
  const found = exact.length > 0 ? exact : matching(all, text)
  if (found.length === 0) throw noTask(text, all)
  printJson(found.length === 1 ? found[0] : found)
}
