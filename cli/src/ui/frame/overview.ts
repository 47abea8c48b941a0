import { type Body, moment, num, object, text } from '../model/body.ts'
import { overviewColumns } from '../model/columns.ts'
import type { Model } from '../model/model.ts'
import { actionsOf, affects, rowOf, vipNote } from '../model/rows.ts'
import { agentStatus, appStatus, appWhy, badness, type Mark, toneOf } from '../model/status.ts'
import { cursorOf, placeOf, type UiState } from '../state.ts'
import { bar, counted, cutMiddle, type Line, line, longAge, pad, span, width } from '../text.ts'
import { rule, type Screen } from './screen.ts'
import { tableLines } from './table.ts'

/** Something that a person should look at. */
export interface Need {
  readonly subject: string
  readonly mark: Mark
  readonly state: string
  readonly why: string
}

/** What needs somebody, worst first: apps that wait or are fewer than wanted, agents, sources, repositories, virtual IPs. */
export function needs(model: Model, now: number): Need[] {
  const found: Need[] = []
  for (const id of model.troubledApps()) {
    const app = model.get('app', id) ?? {}
    found.push(appNeed(id, app, model.get('wait', id), now))
  }
  for (const [id, agent] of model.all('agent')) {
    if (agentStatus(agent) !== 'disconnected') continue
    const why = `its link is down, ${counted(model.tasksOn(id), 'task')} on it`
    found.push({ subject: text(agent.hostname), mark: '!', state: 'DISCONNECTED', why })
  }
  const unreachable = num(object(model.cluster().counts).agents_unreachable)
  if (unreachable > 0) {
    const names = model.departedAgents().slice(0, 3).join(', ')
    found.push({
      subject: names || 'agents',
      mark: 'x',
      state: 'UNREACHABLE',
      why: `${counted(unreachable, 'agent')} not heard of`,
    })
  }
  for (const [name, source] of model.all('source'))
    if (source.state !== 'live') found.push({ subject: name, mark: '!', state: 'NOT HEARD', why: text(source.detail) })
  for (const [name, repository] of model.all('repository'))
    if (repository.error) found.push({ subject: name, mark: '!', state: 'REPOSITORY', why: text(repository.error) })
  for (const [key, vip] of model.all('vip'))
    if (vip.error)
      found.push({ subject: vipName(key), mark: rowOf(model, 'vips', key, now).mark, state: 'VIP', why: vipNote(vip) })
  return found.sort((a, b) => badness(a.mark) - badness(b.mark) || (a.subject < b.subject ? -1 : 1))
}

/** What people call a virtual IP: its service and port. */
const vipName = (key: string): string =>
  key.replace(/\.marathon\.l4lb\.thisdcos\.directory(?=:)/, '').replace(/\/tcp$/, '')

function appNeed(subject: string, app: Body, wait: Body | undefined, now: number): Need {
  const { word, mark } = appStatus(app, wait)
  const since = moment(wait?.since)
  const much = since === undefined ? `${num(app.tasksRunning)}/${num(app.instances)}` : longAge(now - since)
  return { subject, mark, state: `${word.toUpperCase()} ${much}`, why: appWhy(app, wait) }
}

/** Subject and state take what they need, and leave the rest to the reason. */
function needLines(shown: readonly Need[], columns: number): Line[] {
  const isNarrow = columns < 60
  const widest = (of: (need: Need) => string, most: number) => Math.min(most, Math.max(...shown.map(of).map(width)))
  const first = widest(({ subject }) => subject, isNarrow ? 14 : 24)
  const second = Math.max(
    12,
    widest(({ state }) => state, isNarrow ? 12 : 16),
  )
  return shown.map(({ subject, mark, state, why }) => [
    span(` ${mark} `, toneOf[mark]),
    span(`${pad(cutMiddle(subject, first), first)}  `),
    span(`${pad(state, second)}  `, toneOf[mark]),
    span(why),
  ])
}

/** A deployment with how far its first app is, and what it waits for. */
export function deploymentLine(deployment: Body, model: Model): Line {
  const id = affects(deployment).split(', ')[0]!
  const app = model.get('app', id)
  const wanted = num(app?.instances)
  const isChecked = num(app?.healthChecks) > 0
  const done = isChecked ? num(app?.tasksHealthy) : num(app?.tasksRunning)
  const far = wanted > 0 ? `  ${bar(done, wanted, 12)} ${done}/${wanted} ${isChecked ? 'healthy' : 'running'}` : ''
  const wait = model.get('wait', id)
  const step = `  step ${num(deployment.currentStep)}/${num(deployment.totalSteps)}`
  const now = wait ? `  waits: ${text(wait.sentence)}` : `  ${actionsOf(deployment)}`
  return [span(' * ', 'busy'), span(affects(deployment)), span(step), span(far, 'busy'), span(now, 'dim')]
}

const clock = (at: number): string => {
  const date = new Date(at)
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(part => String(part).padStart(2, '0')).join(':')
}

export const eventLines = (model: Model, count: number): Line[] =>
  model.timeline
    .latest(count)
    .map(({ at, subject, text: what, tone }) => [
      span(`   ${clock(at)}  `, 'dim'),
      span(`${subject}  `),
      span(what, tone),
    ])

/** Everything at a glance: what needs somebody, the apps, what is being deployed, what happened. */
export function overview(state: UiState, model: Model, screen: Screen, space: number, cursor?: number): Line[] {
  const { columns } = screen
  const wanting = needs(model, screen.now)
  const small = space < 12
  const deployments = small ? [] : [...model.all('deployment').values()]
  const lines: Line[] = []
  if (wanting.length > 0 && !small) {
    const shown = wanting.slice(0, Math.max(2, Math.floor(space / 5)))
    const more = wanting.length > shown.length ? `${wanting.length - shown.length} more` : ''
    lines.push(rule(`Needs you (${wanting.length})`, columns, more), ...needLines(shown, columns))
  }
  const { filter } = placeOf(state)
  const rows = model.rows('apps', filter)
  const going = deployments.slice(0, 2)
  const deploymentSpace = going.length > 0 ? going.length + 1 : 0
  const eventSpace = small ? 0 : Math.max(3, Math.floor(space / 4))
  const room = Math.max(3, space - lines.length - deploymentSpace - eventSpace - 1)
  const title = `Apps ${rows.length}${filter ? ` of ${model.count('apps')}` : ''}`
  const need = small && wanting.length > 0 ? `${wanting.length} need you` : ''
  lines.push(rule(title, columns, filter === '' ? need : `/${filter}`))
  if (rows.length > 0)
    lines.push(
      ...tableLines(model, 'apps', rows, cursor ?? cursorOf(state, rows), screen, room, 'overview', overviewColumns),
    )
  else lines.push(...noApps(filter, state.router))
  if (going.length > 0)
    lines.push(rule(`Deployments ${deployments.length}`, columns), ...going.map(one => deploymentLine(one, model)))
  const left = space - lines.length - 1
  if (left > 1 && !small) lines.push(rule('Events', columns), ...eventsOrNothing(model, left))
  return lines
}

const eventsOrNothing = (model: Model, count: number): Line[] =>
  model.timeline.length > 0 ? eventLines(model, count) : [line('   nothing has changed since this was opened', 'dim')]

const noApps = (filter: string, router: string): Line[] =>
  filter !== ''
    ? [line('   no app matches; / changes the filter, esc clears it', 'dim')]
    : [
        line(),
        line('   Nothing runs yet.'),
        line('   i installs a package of the catalog; or: meseta app add app.json', 'dim'),
        line(`   The page: ${router}/`, 'dim'),
        line(),
      ]
