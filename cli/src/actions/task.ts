import { setTimeout as sleep } from 'node:timers/promises'
import type { ClusterOptions } from '../client/find-cluster.ts'
import { type MesosTask, matching, noTask, readState, tasksOf } from '../client/mesos.ts'
import { whole } from '../client/numbers.ts'
import { Router } from '../client/router.ts'
import { TaskLog } from '../client/task-log.ts'
import { Failure } from '../output/failure.ts'
import { printJson, printLines, printRows } from '../output/print.ts'

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
  if (options.quiet && !options.json) return printLines(tasks.map(({ id }) => id))
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
  readonly json: boolean
}

/** How often a followed log is looked at, ms: the files API has no stream. */
const followInterval = 250
/** No more logs are followed at once. */
const mostFollowed = 50
/** How long a followed log may be out of reach (its agent starts anew, the router is replaced), ms. */
const patience = 60_000

export async function log(text: string, file: string | undefined, options: LogOptions): Promise<void> {
  const lines = whole(options.lines, '--lines', 0)
  const router = Router.find(options)
  const state = await readState(router)
  const running = matching(tasksOf(state, which(options)), text)
  // A task that has ended is still worth reading when no running one is meant.
  const tasks = running.length > 0 ? running : matching(tasksOf(state, { running: true, ended: true }), text)
  if (tasks.length === 0) throw noTask(text, tasksOf(state, { running: true, ended: true }))
  if (options.follow && tasks.length > mostFollowed) {
    throw new Failure(`${tasks.length} tasks match; at most ${mostFollowed} logs are followed at once`, {
      exit: 'usage',
      hint: 'name fewer: `meseta task list` shows their ids',
    })
  }
  const logs = tasks.map(task => new TaskLog(router, task, file ?? 'stdout'))
  const print = options.json ? new JsonLines(file ?? 'stdout') : new Sections(logs.length)
  for (const one of logs) print.begin(one.task.id, await one.tail(lines))
  if (options.follow) await follow(logs, print)
  print.end()
}

/** Shows what is appended, until the command is interrupted. */
async function follow(logs: readonly TaskLog[], print: Printer): Promise<never> {
  let lastHeard = Date.now()
  while (true) {
    await sleep(followInterval)
    try {
      for (const one of logs) {
        const more = await one.more()
        if (more !== '') print.append(one.task.id, more)
      }
      lastHeard = Date.now()
    } catch (error) {
      const isAway = error instanceof Failure && (error.exit === 'unreachable' || error.exit === 'timeout')
      if (!isAway || Date.now() - lastHeard > patience) throw error
    }
  }
}

/** How pieces of logs are shown. */
interface Printer {
  begin(task: string, text: string): void
  append(task: string, text: string): void
  end(): void
}

/** Text as it comes; with several logs a title says whose it is. */
class Sections implements Printer {
  readonly #titled: boolean
  #last: string | undefined

  constructor(logs: number) {
    this.#titled = logs > 1
  }

  begin(task: string, text: string): void {
    if (this.#titled) process.stdout.write(`===> ${task} <===\n`)
    this.#last = task
    process.stdout.write(text)
  }

  append(task: string, text: string): void {
    if (task === this.#last) process.stdout.write(text)
    else this.begin(task, text)
  }

  end(): void {}
}

/** One JSON object a line of a log, once the line is whole: `{"task","file","line"}`. */
class JsonLines implements Printer {
  readonly #file: string
  readonly #rests = new Map<string, string>()

  constructor(file: string) {
    this.#file = file
  }

  begin(task: string, text: string): void {
    this.append(task, text)
  }

  append(task: string, text: string): void {
    const lines = ((this.#rests.get(task) ?? '') + text).split('\n')
    this.#rests.set(task, lines.pop() ?? '')
    for (const line of lines) this.#print(task, line)
  }

  end(): void {
    for (const [task, rest] of this.#rests) if (rest !== '') this.#print(task, rest)
  }

  #print(task: string, line: string): void {
    process.stdout.write(`${JSON.stringify({ task, file: this.#file, line })}\n`)
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
