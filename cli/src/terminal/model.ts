/** What the terminal UI knows of the cluster: the objects of the router's stream, and rows made of them. Pure. */

export type Kind = 'apps' | 'tasks' | 'agents' | 'frameworks' | 'deployments' | 'vips' | 'catalog' | 'packages'

/** A line of a table. `mark` leads with a letter, so that colour is never the only sign: x bad, ! look at it, > under way. */
export interface Row {
  readonly key: string
  readonly mark: 'x' | '!' | '>' | ' '
  readonly cells: readonly string[]
}

export interface Happening {
  readonly at: number
  readonly text: string
  readonly bad: boolean
}

type Body = Readonly<Record<string, unknown>>

/** Happenings that are kept. */
const kept = 200

export const columns: Readonly<Record<Kind, readonly string[]>> = {
  apps: ['name', 'status', 'inst', 'health', 'cpu', 'mem', 'why'],
  tasks: ['name', 'state', 'health', 'node', 'task', 'message'],
  agents: ['node', 'status', 'cpu', 'mem', 'disk', 'tasks', 'id'],
  frameworks: ['name', 'active', 'cpu', 'mem', 'tasks', 'id'],
  deployments: ['id', 'affects', 'step', 'now'],
  vips: ['name', 'address', 'port', 'proto', 'backends', 'note'],
  catalog: ['package', 'version', 'installed', 'description'],
  packages: ['app', 'package', 'version', 'status'],
}

const text = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined || value === null ? '' : String(value)
const num = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0)
const short = (value: number): string => String(Math.round(value * 100) / 100)
export const size = (mib: number): string =>
  mib >= 1024 * 1024 ? `${short(mib / 1024 / 1024)}Ti` : mib >= 1024 ? `${short(mib / 1024)}Gi` : `${short(mib)}Mi`

export class Model {
  readonly #tables = new Map<string, Map<string, Body>>()
  readonly #happenings: Happening[] = []
  /** Grows with each change. */
  revision = 0
  synced = false
  live = false
  detail = 'not connected yet'
  /** When the stream was last heard of as live, milliseconds of the caller's clock. */
  heardAt = 0

  put(kind: string, key: string, body: unknown, now: number): void {
    const table = this.#tables.get(kind) ?? new Map<string, Body>()
    this.#tables.set(kind, table)
    if (this.synced) this.#notice(kind, key, table.get(key), body as Body, now)
    table.set(key, body as Body)
    this.revision += 1
  }

  del(kind: string, key: string, now: number): void {
    const before = this.#tables.get(kind)?.get(key)
    if (!before) return
    this.#tables.get(kind)?.delete(key)
    if (kind === 'app') this.#say(now, `${key} removed`, false)
    if (kind === 'deployment') this.#say(now, `deployment of ${list(before.affectedApps)} is over`, false)
    this.revision += 1
  }

  all(kind: string): ReadonlyMap<string, Body> {
    return this.#tables.get(kind) ?? new Map()
  }

  get(kind: string, key: string): Body | undefined {
    return this.#tables.get(kind)?.get(key)
  }

  /** Newest first. */
  happenings(): readonly Happening[] {
    return this.#happenings
  }

  cluster(): Body {
    return this.get('cluster', 'cluster') ?? {}
  }

  #say(at: number, what: string, bad: boolean): void {
    this.#happenings.unshift({ at, text: what, bad })
    this.#happenings.length = Math.min(this.#happenings.length, kept)
  }

  #notice(kind: string, key: string, before: Body | undefined, after: Body, now: number): void {
    if (kind === 'task' && before?.state !== after.state) {
      const bad = /FAILED|ERROR|LOST|DROPPED|GONE/.test(text(after.state))
      const why = after.message ? ` (${text(after.message)})` : ''
      this.#say(now, `${text(after.name)} ${word(after.state)}${bad ? why : ''}`, bad)
    }
    if (kind === 'deployment' && !before) this.#say(now, `deployment of ${list(after.affectedApps)} begins`, false)
    if (kind === 'agent' && before && before.active !== after.active) {
      this.#say(now, `${text(after.hostname)} ${after.active ? 'is back' : 'is unreachable'}`, !after.active)
    }
    if (kind === 'source' && before?.state !== after.state) {
      this.#say(
        now,
        `${key}: ${after.state === 'live' ? 'heard again' : `lost, ${text(after.detail)}`}`,
        after.state !== 'live',
      )
    }
  }

  /** The status of an app in one word (dashboard contract, 1.2). */
  statusOf(app: Body): { word: string; mark: Row['mark'] } {
    const instances = num(app.instances)
    const running = num(app.tasksRunning)
    const ill = num(app.tasksUnhealthy)
    const wait = this.get('wait', text(app.id))
    const deploying = Array.isArray(app.deployments) && app.deployments.length > 0
    if (instances === 0 && running === 0) return { word: 'stopped', mark: ' ' }
    if (wait && /BACK|DELAY/.test(text(wait.code))) return { word: 'delayed', mark: 'x' }
    if (wait && running < instances && !/HEALTH|READY/.test(text(wait.code))) return { word: 'waiting', mark: 'x' }
    if (deploying) return { word: 'deploying', mark: '>' }
    if (running < instances || ill > 0) return { word: 'degraded', mark: '!' }
    return { word: 'running', mark: ' ' }
  }

  /** Why an app is not as wanted, in one sentence; empty when there is nothing to say. */
  whyOf(app: Body): string {
    const wait = this.get('wait', text(app.id))
    if (wait) return text(wait.sentence)
    const failure = app.lastTaskFailure as Body | undefined
    return failure && this.statusOf(app).word !== 'running' ? text(failure.message) || word(failure.state) : ''
  }

  rows(kind: Kind, filter = ''): Row[] {
    const wanted = filter.toLowerCase()
    return this.#make(kind)
      .filter(({ cells }) => wanted === '' || cells.some(cell => cell.toLowerCase().includes(wanted)))
      .sort((a, b) => (a.cells[0]! < b.cells[0]! ? -1 : a.cells[0]! > b.cells[0]! ? 1 : a.key < b.key ? -1 : 1))
  }

  #make(kind: Kind): Row[] {
    const from = (name: string) => [...this.all(name)]
    switch (kind) {
      case 'apps':
        return from('app').map(([key, app]) => {
          const { word: status, mark } = this.statusOf(app)
          const checks = num(app.healthChecks)
          const health = checks > 0 ? `${num(app.tasksHealthy)}/${num(app.instances)}` : '-'
          const cells = [
            key,
            status,
            `${num(app.tasksRunning)}/${num(app.instances)}`,
            health,
            short(num(app.cpus)),
            size(num(app.mem)),
            this.whyOf(app),
          ]
          return { key, mark, cells }
        })
      case 'tasks':
        return from('task').map(([key, task]) => {
          const state = word(task.state)
          const mark = /failed|error|lost|dropped|gone/.test(state)
            ? 'x'
            : /staging|starting|killing/.test(state)
              ? '>'
              : task.healthy === false
                ? '!'
                : ' '
          const health = task.healthy === true ? 'ok' : task.healthy === false ? 'ill' : '-'
          const node = text(this.get('agent', text(task.slave_id))?.hostname) || '-'
          return { key, mark, cells: [text(task.name), state, health, node, text(task.id), text(task.message)] }
        })
      case 'agents':
        return from('agent').map(([key, agent]) => {
          const used = (agent.used_resources ?? {}) as Body
          const whole = (agent.resources ?? {}) as Body
          const active = agent.active === true
          const tasks = from('task').filter(
            ([, task]) => task.slave_id === key && word(task.state) === 'running',
          ).length
          const share = (name: string, show: (value: number) => string) =>
            `${show(num(used[name]))}/${show(num(whole[name]))}`
          const cells = [
            text(agent.hostname),
            active ? 'active' : 'unreachable',
            share('cpus', short),
            share('mem', size),
            share('disk', size),
            String(tasks),
            key,
          ]
          return { key, mark: active ? ' ' : 'x', cells }
        })
      case 'frameworks':
        return from('framework').map(([key, framework]) => {
          const used = (framework.used_resources ?? {}) as Body
          const active = framework.active === true
          const cells = [
            text(framework.name),
            active ? 'active' : 'inactive',
            short(num(used.cpus)),
            size(num(used.mem)),
            String(num(framework.TASK_RUNNING)),
            key,
          ]
          return { key, mark: active ? ' ' : '!', cells }
        })
      case 'deployments':
        return from('deployment').map(([key, deployment]) => {
          const actions = (deployment.currentActions ?? []) as Body[]
          const now = actions.map(({ action, app, pod }) => `${text(action)} ${text(app ?? pod)}`).join(', ')
          return {
            key,
            mark: '>',
            cells: [
              key,
              list(deployment.affectedApps),
              `${num(deployment.currentStep)}/${num(deployment.totalSteps)}`,
              now,
            ],
          }
        })
      case 'vips':
        return from('vip').map(([key, vip]) => {
          const backends = (vip.backends ?? []) as Body[]
          const taking = backends.filter(({ weight }) => num(weight) > 0).length
          const listen = (vip.listen ?? {}) as Body
          const note = text(vip.error) || (num(listen.port) !== num(vip.port) ? `listens on ${num(listen.port)}` : '')
          return {
            key,
            mark: taking > 0 ? (note ? '!' : ' ') : 'x',
            cells: [
              text(vip.name ?? vip.vip),
              text(vip.address),
              String(num(vip.port)),
              text(vip.protocol),
              `${taking}/${backends.length}`,
              note,
            ],
          }
        })
      case 'catalog':
        return from('package').map(([key, entry]) => {
          const installed = [...this.all('installed').values()].filter(({ packageName }) => packageName === key).length
          return {
            key,
            mark: ' ',
            cells: [key, text(entry.currentVersion), installed > 0 ? String(installed) : '', text(entry.description)],
          }
        })
      case 'packages':
        return from('installed').map(([key, entry]) => {
          const app = this.get('app', key)
          return {
            key,
            mark: app ? this.statusOf(app).mark : ' ',
            cells: [key, text(entry.packageName), text(entry.packageVersion), app ? this.statusOf(app).word : ''],
          }
        })
    }
  }

  /** What a person should look at, worst first. */
  needsYou(): Row[] {
    const rows: Row[] = []
    for (const [key, app] of this.all('app')) {
      const { word: status, mark } = this.statusOf(app)
      const why = this.whyOf(app)
      if (mark === 'x' || mark === '!' || (mark === '>' && this.get('wait', key)))
        rows.push({ key, mark, cells: [key, `${status} ${num(app.tasksRunning)}/${num(app.instances)}`, why] })
    }
    for (const row of this.rows('agents'))
      if (row.mark === 'x') rows.push({ ...row, cells: [row.cells[0]!, 'unreachable', `${row.cells[5]} tasks`] })
    for (const [name, source] of this.all('source'))
      if (source.state !== 'live') rows.push({ key: name, mark: '!', cells: [name, 'not heard', text(source.detail)] })
    return rows.sort((a, b) => 'x!> '.indexOf(a.mark) - 'x!> '.indexOf(b.mark) || (a.key < b.key ? -1 : 1))
  }

  /** Used and total of the cluster; cores and MiB. */
  usage(): readonly {
    readonly name: string
    readonly used: number
    readonly total: number
    readonly show: (value: number) => string
  }[] {
    const cluster = this.cluster()
    const used = (cluster.used_resources ?? {}) as Body
    const total = (cluster.resources ?? {}) as Body
    return [
      { name: 'CPU', used: num(used.cpus), total: num(total.cpus), show: short },
      { name: 'MEM', used: num(used.mem), total: num(total.mem), show: size },
      { name: 'DSK', used: num(used.disk), total: num(total.disk), show: size },
      { name: 'GPU', used: num(used.gpus), total: num(total.gpus), show: short },
    ]
  }
}

const word = (state: unknown): string =>
  text(state)
    .replace(/^TASK_/, '')
    .toLowerCase()
const list = (values: unknown): string => (Array.isArray(values) ? values.map(text).join(', ') : '')
