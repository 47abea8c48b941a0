import { num, object, objects, text, texts, word } from '../model/body.ts'
import { columnsOf, kindOf, type Table } from '../model/columns.ts'
import type { Model } from '../model/model.ts'
import { rowOf } from '../model/rows.ts'
import { number, pad, wrap } from '../text.ts'

export interface DetailsOf {
  readonly table: Table
  readonly key: string
  readonly json: boolean
}

/** What an object is and why it is so, as lines of text; as JSON every field that the cluster told. */
export function detailLines({ table, key, json }: DetailsOf, model: Model, columns: number, now: number): string[] {
  const body = model.body(table, key)
  if (!body) return ['It is gone.']
  if (json) return JSON.stringify(body, null, 2).split('\n')
  const lines = [...why(table, key, model), ...facts(table, key, model, now)]
  if (table === 'apps' || table === 'packages') lines.push(...instances(key, model, now))
  if (table === 'vips') lines.push(...backends(key, model))
  lines.push('', 'everything it says of itself', ...flat(body).map(([name, value]) => `${name}: ${value}`))
  return lines.flatMap(one => indented(one, columns - 2))
}

/** What does not fit goes on below its beginning. */
const indented = (text: string, columns: number): string[] => {
  const [first = '', ...rest] = wrap(text, columns)
  if (rest.length === 0) return [first]
  return [first, ...wrap(text.slice(first.length).trimStart(), columns - 8).map(part => `        ${part}`)]
}

/** Why it waits or has failed: the sentence, and the agents by reason. */
function why(table: Table, key: string, model: Model): string[] {
  if (table !== 'apps' && table !== 'packages') return []
  const wait = model.get('wait', key)
  const failure = object(model.get('app', key)?.lastTaskFailure)
  const lines: string[] = []
  if (wait) {
    lines.push(`why     ${text(wait.sentence)}`)
    for (const { reason, count, numbers } of objects(wait.agents)) {
      const { needs, best } = object(numbers)
      const compared = needs === undefined ? '' : `: needs ${text(needs)}, the best has ${text(best)}`
      lines.push(`        ${num(count)} of the agents: ${text(reason)}${compared}`)
    }
  }
  if (failure.state !== undefined) {
    const where = text(failure.host) ? ` on ${text(failure.host)}` : ''
    lines.push(`failed  ${text(failure.timestamp)} ${word(failure.state)}${where}: ${text(failure.message)}`)
  }
  return lines.length > 0 ? [...lines, ''] : lines
}

function facts(table: Table, key: string, model: Model, now: number): string[] {
  const { cells } = rowOf(model, table, key, now)
  return columnsOf[table].flatMap(({ name }, index) =>
    cells[index] && name !== 'why' ? [`${pad(name, 12)} ${cells[index]}`] : [],
  )
}

/** Instances that are listed: the newest. */
const listed = 50

function instances(id: string, model: Model, now: number): string[] {
  const tasks = model.tasksOfApp(id).slice(0, listed)
  if (tasks.length === 0) return []
  return [
    '',
    'tasks, newest first',
    ...tasks.map(key => {
      const { cells } = rowOf(model, 'tasks', key, now)
      const [, state = '', health = '', node = '', old = '', task = '', message = ''] = cells
      return `  ${pad(state, 9)} ${pad(health, 4)} ${pad(old, 4, true)}  ${pad(node, 16)} ${task}  ${message}`.trimEnd()
    }),
  ]
}

const backends = (key: string, model: Model): string[] => [
  '',
  'backends',
  ...objects(model.get(kindOf.vips, key)?.backends).map(
    ({ ip, port, weight, task_id }) =>
      `  ${pad(`${text(ip)}:${text(port)}`, 22)} weight ${number(weight === undefined ? 1 : num(weight))}  ${text(task_id)}`,
  ),
]

/** Lines of a body's fields, at most. */
const flatMost = 500

/** Fields by their path, leaves only. */
function flat(value: unknown, path = '', into: [string, string][] = []): [string, string][] {
  if (into.length >= flatMost) return into
  if (Array.isArray(value) && value.every(one => typeof one !== 'object')) into.push([path, texts(value).join(', ')])
  else if (typeof value === 'object' && value !== null)
    for (const [name, inner] of Object.entries(value)) flat(inner, path === '' ? name : `${path}.${name}`, into)
  else if (value !== undefined && value !== null) into.push([path, String(value)])
  return into
}
