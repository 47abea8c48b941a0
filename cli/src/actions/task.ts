import { setTimeout as sleep } from 'node:timers/promises'
import type { ClusterOptions } from '../client/find-cluster.ts'
import { type MesosTask, matching, noTask, readState, tasksOf } from '../client/mesos.ts'
import { failureOf, Router } from '../client/router.ts'
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

/** Bytes asked for at once; the agent sends at most as much. */
const page = 64 * 1024
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

/** One file of a task's sandbox, read through its agent. */
class TaskLog {
  readonly task: MesosTask
  readonly #router: Router
  readonly #file: string
  #offset = 0

  constructor(router: Router, task: MesosTask, file: string) {
    this.#router = router
    this.task = task
    this.#file = file
  }

  /** The last lines, and the place where `more` goes on. */
  async tail(lines: number): Promise<string> {
    const size = await this.#size()
    let text = ''
    let start = size
    // One line more than wanted, for the end of the one before.
    while (start > 0 && text.split('\n').length <= lines + 1) {
      const from = Math.max(0, start - page)
      text = (await this.#read(from, start - from)) + text
      start = from
    }
    this.#offset = size
    const ends = text.endsWith('\n')
    const rows = (ends ? text.slice(0, -1) : text).split('\n')
    if (lines === 0 || text === '') return ''
    return rows.slice(-lines).join('\n') + (ends ? '\n' : '')
  }

  async more(): Promise<string> {
    const text = await this.#read(this.#offset, page)
    this.#offset += Buffer.byteLength(text)
    return text
  }

  async #size(): Promise<number> {
    return (await this.#ask(new URLSearchParams({ path: this.#path }))).offset
  }

  async #read(offset: number, length: number): Promise<string> {
    return (await this.#ask(new URLSearchParams({ path: this.#path, offset: String(offset), length: String(length) })))
      .data
  }

  get #path(): string {
    const executor = this.task.executor_id || this.task.id
    const nested = this.task.executor_id !== '' && this.task.executor_id !== this.task.id && this.#isNested
    const run = `/frameworks/${this.task.framework_id}/executors/${executor}/runs/latest`
    return `${run}${nested ? `/tasks/${this.task.id}` : ''}/${this.#file}`
  }

  /** Tasks of the default executor have a folder of their own below its sandbox. */
  get #isNested(): boolean {
    return (
      this.task.statuses?.some(({ container_status }) => container_status?.container_id?.parent !== undefined) ?? false
    )
  }

  async #ask(query: URLSearchParams): Promise<{ data: string; offset: number }> {
    const answer = await this.#router.ask(`/agent/${encodeURIComponent(this.task.slave_id)}/files/read?${query}`)
    if (answer.status === 404) {
      throw new Failure(`task ${this.task.id} has no file ${this.#file}, or its sandbox has been removed`, {
        exit: 'notFound',
      })
    }
    if (answer.status >= 400) throw failureOf(answer)
    return JSON.parse(answer.text) as { data: string; offset: number }
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
