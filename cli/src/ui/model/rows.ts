import { age, number, size } from '../text.ts'
import { type Body, moment, num, object, objects, text, texts, word } from './body.ts'
import { columnsOf, type Table } from './columns.ts'
import type { Fields } from './filter.ts'
import type { Model } from './model.ts'
import { agentStatus, appStatus, appWhy, isActive, type Mark, taskMark } from './status.ts'

/** A row as it is shown: a cell for each column of its table. */
export interface Row {
  readonly key: string
  readonly mark: Mark
  readonly cells: readonly string[]
}

type Make = (key: string, body: Body, model: Model, now: number) => Omit<Row, 'key'>

const since = (value: unknown, now: number): string => {
  const at = moment(value)
  return at === undefined ? '' : age(now - at)
}

const share = (used: Body, whole: Body, name: string, show: (value: number) => string) =>
  `${show(num(used[name]))}/${show(num(whole[name]))}`

/** Instances that are healthy, of those wanted; a dash without a health check. */
export const healthOf = (app: Body): string =>
  num(app.healthChecks) > 0 ? `${num(app.tasksHealthy)}/${num(app.instances)}` : '-'

/** What a deployment does now, in words. */
export const actionsOf = (deployment: Body): string =>
  objects(deployment.currentActions)
    .map(({ action, app, pod }) => `${actionWords[text(action)] ?? text(action)} ${text(app) || text(pod)}`)
    .join(', ')

const actionWords: Readonly<Record<string, string>> = {
  StartApplication: 'start',
  StartPod: 'start',
  StopApplication: 'stop',
  StopPod: 'stop',
  ScaleApplication: 'scale',
  ScalePod: 'scale',
  RestartApplication: 'replace instances of',
  RestartPod: 'replace instances of',
}

const makers: Readonly<Record<Table, Make>> = {
  apps: (key, app, model, now) => {
    const wait = model.get('wait', key)
    const status = appStatus(app, wait)
    const inst = `${num(app.tasksRunning)}/${num(app.instances)}`
    const cells = [
      key,
      status.word,
      inst,
      healthOf(app),
      number(num(app.cpus)),
      size(num(app.mem)),
      since(app.version, now),
      appWhy(app, wait),
    ]
    return { mark: status.mark, cells }
  },
  tasks: (_key, task, model, now) => {
    const healthy = task.healthy ?? model.get('instance', text(task.id))?.healthy
    const health = healthy === true ? 'ok' : healthy === false ? 'bad' : '-'
    const node = text(model.get('agent', text(task.slave_id))?.hostname)
    const cells = [
      text(task.name),
      word(task.state),
      health,
      node,
      since(task.timestamp, now),
      text(task.id),
      text(task.message),
    ]
    return { mark: taskMark(task, healthy), cells }
  },
  agents: (key, agent, model) => {
    const used = object(agent.used_resources)
    const whole = object(agent.resources)
    const status = agentStatus(agent)
    const cells = [
      text(agent.hostname),
      status,
      String(model.tasksOn(key)),
      share(used, whole, 'cpus', number),
      share(used, whole, 'mem', size),
      share(used, whole, 'disk', size),
      share(used, whole, 'gpus', number),
      key,
    ]
    return { mark: status === 'disconnected' ? '!' : ' ', cells }
  },
  frameworks: (key, framework, model) => {
    const used = object(framework.used_resources ?? framework.resources)
    const active = framework.active === true
    const roles = Array.isArray(framework.roles) ? texts(framework.roles).join(',') : text(framework.role)
    const cells = [
      text(framework.name),
      active ? 'active' : 'inactive',
      String(model.tasksOfFramework(key)),
      number(num(used.cpus)),
      size(num(used.mem)),
      roles,
      key,
    ]
    return { mark: active ? ' ' : '!', cells }
  },
  deployments: (key, deployment, _model, now) => ({
    mark: '*',
    cells: [
      affects(deployment),
      `${num(deployment.currentStep)}/${num(deployment.totalSteps)}`,
      since(deployment.version, now),
      actionsOf(deployment),
      key,
    ],
  }),
  vips: (_key, vip) => {
    const backends = objects(vip.backends)
    const taking = backends.filter(({ weight }) => weight === undefined || num(weight) > 0).length
    const cells = [
      text(vip.name) || text(vip.vip),
      text(vip.address),
      text(vip.port),
      text(vip.protocol),
      `${taking}/${backends.length}`,
      text(vip.connections),
      vipNote(vip),
    ]
    const isReached = object(vip.listen).port !== undefined
    return { mark: vip.error && !isReached ? 'x' : vip.error || taking === 0 ? '!' : ' ', cells }
  },
  catalog: (key, entry, model) => {
    const installed = model.installedOf(key)
    const cells = [key, text(entry.currentVersion), installed > 0 ? String(installed) : '', text(entry.description)]
    return { mark: ' ', cells }
  },
  packages: (key, entry, model) => {
    const app = model.get('app', key)
    const wait = model.get('wait', key)
    const status = app ? appStatus(app, wait) : { word: 'no app', mark: '!' as const }
    const cells = [
      key,
      text(entry.packageName),
      text(entry.packageVersion),
      status.word,
      app ? `${num(app.tasksRunning)}/${num(app.instances)}` : '',
      app ? appWhy(app, wait) : '',
    ]
    return { mark: status.mark, cells }
  },
}

/** Where a virtual IP is to be reached instead of at its own place, and what is wrong with it. */
export function vipNote(vip: Body): string {
  const { address, port } = object(vip.listen)
  const isElsewhere = port !== undefined && (port !== vip.port || address !== vip.address)
  const place = isElsewhere ? `listens on ${text(address)}:${text(port)}` : ''
  return [place, text(vip.error)].filter(Boolean).join('; ')
}

export const affects = (deployment: Body): string =>
  [...texts(deployment.affectedApps), ...texts(deployment.affectedPods)].join(', ')

/** One row, made when it is seen. */
export function rowOf(model: Model, table: Table, key: string, now: number): Row {
  const body = model.body(table, key) ?? {}
  return { key, ...makers[table](key, body, model, now) }
}

/** What a filter looks at: the columns by name, and what else the table is asked for. */
export function fieldsOf(model: Model, table: Table, key: string): Fields {
  const { cells } = rowOf(model, table, key, 0)
  const fields: Record<string, string> = {}
  columnsOf[table].forEach(({ name }, index) => {
    // Ages change by themselves.
    if (name !== 'age') fields[name] = cells[index] ?? ''
  })
  const body = model.body(table, key) ?? {}
  if (table === 'apps') {
    fields.label = Object.entries(object(body.labels))
      .map(([name, value]) => `${name}=${text(value)}`)
      .join(' ')
    fields.image = text(body.image)
  } else if (table === 'tasks') {
    fields.app = model.appOf(body) ?? ''
    fields.framework = text(body.framework_name)
    fields.role = text(body.role)
  } else if (table === 'catalog') fields.tag = texts(body.tags).join(' ')
  return fields
}

/** By what a table is ordered, smallest first. */
export function sortOf(table: Table, key: string, body: Body): string {
  switch (table) {
    case 'tasks':
      return `${natural(text(body.name))} ${taskRank(body)}`
    case 'agents':
      return natural(text(body.hostname))
    case 'frameworks':
      return natural(text(body.name))
    case 'deployments':
      return text(body.version)
    default:
      return natural(key)
  }
}

/** Of one name first the tasks that are there, in a lasting order; then those that ended, the newest first. */
const taskRank = (task: Body): string =>
  isActive(word(task.state)) ? '0' : `1 ${String(1e15 - Math.round(moment(task.timestamp) ?? 0)).padStart(16, '0')}`

/** So that `item-2` comes before `item-10`. */
const natural = (name: string): string => name.replace(/\d+/g, digits => digits.padStart(10, '0'))
