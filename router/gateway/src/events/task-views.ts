import { compileFilter } from '@meseta/ui/model/filter'
import type { Task } from '@meseta/ui/model/objects'
import { byActivityThenTime, type NamesOfTasks, readableTask, type TaskRow, taskRowOf } from '@meseta/ui/model/tasks'
import { SortedRows } from './sorted-rows.ts'
import { TaskPage } from './task-page.ts'

type Order = (a: TaskRow, b: TaskRow) => number

const byText =
  (value: (row: TaskRow) => string): Order =>
  (a, b) =>
    value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0
const byNumber =
  (value: (row: TaskRow) => number): Order =>
  (a, b) =>
    (value(a) || 0) - (value(b) || 0)

const orders: Readonly<Record<string, Order>> = {
  id: byText(({ task }) => task.id),
  name: byText(({ task }) => task.name),
  state: byText(({ task }) => task.state),
  health: byText(({ health }) => health),
  framework: byText(({ task }) => task.framework_name ?? ''),
  node: byText(({ node }) => node),
  app: byText(({ app }) => app),
  cpus: byNumber(({ task }) => task.resources?.cpus ?? 0),
  mem: byNumber(({ task }) => task.resources?.mem ?? 0),
  updated: byNumber(({ updatedAt }) => updatedAt),
}

/** What a list of tasks can be sorted by; `-` before it for the largest first. */
export const sortNames: readonly string[] = Object.keys(orders)

/** Total: no two rows are equal, so that each has one place. Without a name: active ones first, the newest change first. */
function orderNamed(sort: string): Order {
  const order = orders[sort.replace(/^-/, '')]
  if (!order) return byActivityThenTime
  const sign = sort.startsWith('-') ? -1 : 1
  return (a, b) => sign * order(a, b) || (a.key < b.key ? -1 : 1)
}

/** Pages of one list that are kept at a time: as many as there are streams. */
const mostPages = 2_000

/** The tasks that a filter lets through, sorted. */
export class TaskView {
  readonly problems: readonly string[]
  readonly rows: SortedRows<TaskRow>
  /** Windows that look at it. */
  users = 0
  readonly #matches: (row: TaskRow) => boolean
  readonly #pages = new Map<string, TaskPage>()

  constructor(q: string, sort: string, all: Iterable<TaskRow>) {
    const { matches, problems } = compileFilter(q, readableTask)
    this.problems = problems
    this.#matches = matches
    this.rows = new SortedRows([...all].filter(matches), orderNamed(sort))
  }

  change(before: TaskRow | undefined, after: TaskRow | undefined): void {
    const wasIn = before !== undefined && this.#matches(before)
    const isIn = after !== undefined && this.#matches(after)
    if (!wasIn && !isIn) return
    this.#pages.clear()
    if (wasIn) this.rows.remove(before)
    if (isIn) this.rows.add(after)
  }

  /** The same until the list changes. */
  page(from: number, n: number): TaskPage {
    const name = `${from} ${n}`
    const known = this.#pages.get(name)
    if (known) return known
    if (this.#pages.size >= mostPages) this.#pages.clear()
    const page = new TaskPage(this.rows.slice(from, n))
    this.#pages.set(name, page)
    return page
  }
}

/** More lists than these, told apart by filter and order, are not kept at a time. */
export const mostViews = 64

/** All tasks as their rows show them, and the sorted lists that windows look at. Lists are shared by all who ask for the same. Pure. */
export class TaskViews {
  readonly #names: NamesOfTasks
  readonly #rows = new Map<string, TaskRow>()
  readonly #states = new Map<string, number>()
  readonly #views = new Map<string, TaskView>()
  #statesJson = { version: 0, text: '' }
  /** Grows with each change of a task. */
  version = 1

  constructor(names: NamesOfTasks) {
    this.#names = names
  }

  get total(): number {
    return this.#rows.size
  }

  /** How many tasks are in each state, as a JSON object; made once for all windows. */
  get statesJson(): string {
    if (this.#statesJson.version !== this.version)
      this.#statesJson = { version: this.version, text: JSON.stringify(Object.fromEntries(this.#states)) }
    return this.#statesJson.text
  }

  row(key: string): TaskRow | undefined {
    return this.#rows.get(key)
  }

  put(key: string, task: Task): void {
    this.#change(key, taskRowOf(this.#names, key, shownOf(task)))
  }

  delete(key: string): void {
    this.#change(key, undefined)
  }

  /**
   * The list of a filter and an order; `undefined` when there are too many. Each one is given back by `release`, as `instead` will
   * be right after this.
   */
  acquire(q: string, sort: string, instead?: TaskView): TaskView | undefined {
    const name = JSON.stringify([q, sort])
    const known = this.#views.get(name)
    const most = instead?.users === 1 ? mostViews + 1 : mostViews
    if (!known && this.#views.size >= most) return undefined
    const view = known ?? new TaskView(q, sort, this.#rows.values())
    this.#views.set(name, view)
    view.users += 1
    return view
  }

  release(view: TaskView): void {
    view.users -= 1
    if (view.users > 0) return
    for (const [name, kept] of this.#views) if (kept === view) this.#views.delete(name)
  }

  #change(key: string, after: TaskRow | undefined): void {
    const before = this.#rows.get(key)
    if (!before && !after) return
    this.version += 1
    if (after) this.#rows.set(key, after)
    else this.#rows.delete(key)
    this.#count(before, -1)
    this.#count(after, 1)
    for (const view of this.#views.values()) view.change(before, after)
  }

  #count(row: TaskRow | undefined, by: 1 | -1): void {
    if (!row) return
    const count = (this.#states.get(row.task.state) ?? 0) + by
    if (count === 0) this.#states.delete(row.task.state)
    else this.#states.set(row.task.state, count)
  }
}

/** Of a task what rows show and filters read: the rest of it would be kept twice. */
function shownOf(task: Task): Task {
  const { id, name, framework_id, framework_name, slave_id, state, role, reason, message, healthy, timestamp } = task
  const { cpus = 0, mem = 0 } = task.resources ?? {}
  const optional = { framework_name, role, reason, message, healthy, timestamp }
  const said = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined))
  return { id, name, framework_id, slave_id, state, resources: { cpus, mem }, ...said }
}
