import { isOver, steps } from '../install/progress.ts'
import { num, object, text } from '../model/body.ts'
import type { Model } from '../model/model.ts'
import type { UiState } from '../state.ts'
import { age, bar, counted, fit, type Line, number, pad, type Span, size, span, width } from '../text.ts'
import type { Screen } from './screen.ts'

/** Whether what is shown is of now. */
export function hearing(model: Model, now: number): Span {
  const { live, at } = model.hearing
  if (!live) return span(at === 0 ? 'NOT CONNECTED' : `STALE ${age(now - at)}`, 'bad')
  const lost = [...model.all('source')].find(([, source]) => source.state !== 'live')
  if (lost) return span(`live, ${lost[0]} not heard ${age(now - num(lost[1].since))}`, 'warn')
  return span('live', 'good')
}

/** Two ends of a line: the right one whole, of the left one what there is room for. */
export function ends(left: readonly Span[], right: readonly Span[], columns: number): Line {
  const sum = (spans: readonly Span[]) => spans.reduce((total, { text: part }) => total + width(part), 0)
  const fitting = fit(left, Math.max(0, columns - sum(right) - 1))
  return [...fitting, span(' '.repeat(Math.max(1, columns - sum(right) - sum(fitting)))), ...right]
}

/** An installation that goes on behind other views. */
function badge(state: UiState | undefined, model: Model): Span[] {
  const install = state?.install
  if (!install?.progress || state?.mode.kind === 'install' || isOver(install.progress, model)) return []
  const now = steps(install.progress, model).find(step => step.state === 'now')
  const of = now?.of ? ` ${now.of[0]}/${now.of[1]}` : ''
  return [span(`installing ${install.name}${of}`, 'busy'), span('   ')]
}

/** Cluster, leader, agents, whether it is heard; and what of its resources is used. */
export function header(model: Model, screen: Screen, state?: UiState): Line[] {
  const { columns, now } = screen
  const cluster = model.cluster()
  const { hostname, port } = object(cluster.leader_info)
  const counts = object(cluster.counts)
  const agents = num(counts.agents_active) || model.count('agents')
  const gone = num(counts.agents_unreachable)
  const left: Span[] = [
    { text: 'meseta', bold: true },
    { text: `  ${text(cluster.name) || '-'}`, bold: true },
    span(`   ${counted(agents, 'agent')}`),
    ...(gone > 0 ? [span(`, ${gone} unreachable`, 'bad')] : []),
    span(`   ${port === undefined ? 'no leader' : `leader ${text(hostname)}:${text(port)}`}`, port ? undefined : 'bad'),
  ]
  const top = ends(left, [...badge(state, model), hearing(model, now)], columns)
  const half = Math.floor(columns / 2)
  const used = object(cluster.used_resources)
  const whole = object(cluster.resources)
  const gauge = (title: string, name: string, show: (value: number) => string, room: number): Line => {
    const numbers = `${show(num(used[name]))}/${show(num(whole[name]))}`
    const length = Math.max(4, Math.min(16, room - 8 - Math.max(12, width(numbers))))
    return [span(pad(`${title} ${bar(num(used[name]), num(whole[name]), length)} ${numbers}`, room - 1)), span(' ')]
  }
  // Where there is little room, GPUs that do not exist take none of it.
  const hasGpus = columns >= 80 || num(whole.gpus) > 0
  const gpus = hasGpus ? gauge('GPU', 'gpus', number, Math.min(30, columns - half)) : []
  return [
    top,
    [...gauge('CPU', 'cpus', number, half), ...gauge('MEM', 'mem', size, columns - half)],
    [...gauge('DSK', 'disk', size, half), ...gpus, tasks(model)],
  ]
}

function tasks(model: Model): Span {
  const staging = model.tasksIn('staging') + model.tasksIn('starting')
  return span(`${counted(model.tasksIn('running'), 'task')}${staging > 0 ? `, ${staging} starting` : ''}`)
}
