import { show } from '../install/fields.ts'
import { isChanged } from '../install/form.ts'
import { type PlannedApp, room as roomFor } from '../install/plan.ts'
import { isOver, type Step, steps, trouble } from '../install/progress.ts'
import type { Model } from '../model/model.ts'
import { rowOf } from '../model/rows.ts'
import { toneOf } from '../model/status.ts'
import type { Install } from '../state.ts'
import { bar, counted, cutMiddle, type Line, line, longAge, number, pad, size, span, wrap } from '../text.ts'
import { formLines } from './form.ts'
import { ends, hearing } from './header.ts'
import { rule, type Screen } from './screen.ts'

const names = ['choose', 'options', 'plan', 'install'] as const

/** The flow over the whole screen: where somebody is in it, and the step. */
export function installLines(install: Install, model: Model, router: string, screen: Screen, space: number): Line[] {
  const { columns, now } = screen
  const at = names.indexOf(install.step)
  const title = { text: `Install ${install.name} ${install.version}`, bold: true }
  const place = columns < 60 ? `${at + 1}/4 ${names[at]}` : `${at + 1} of 4: ${names[at]}`
  const way = names.map((name, index) => `${index + 1} ${index === at ? name.toUpperCase() : name}`).join('  >  ')
  const right = install.step === 'options' ? optionsRight(install) : ''
  const top = [
    ends([title], [span(`${place}   `), hearing(model, now)], columns),
    ends([span(columns < 60 ? '' : way)], [span(right, 'dim')], columns),
    ...failureLines(install, columns),
  ]
  const left = space - top.length
  switch (install.step) {
    case 'options':
      return [...top, ...formLines(install, screen, left)]
    case 'plan':
      return [...top, ...planLines(install, model, router, columns)]
    case 'install':
      return [...top, ...progressLines(install, model, router, screen, left)]
  }
}

function optionsRight({ form }: Install): string {
  const find = form.finding ? `find ${form.find}_` : form.find === '' ? '/ find' : `/${form.find}`
  return `v ${form.short ? 'short list' : 'all'}   ${find}`
}

function failureLines({ failure }: Install, columns: number): Line[] {
  if (!failure) return []
  return [
    ...wrap(failure.message, columns - 3)
      .slice(0, 3)
      .map((text, index) => line(`${index === 0 ? 'x' : ' '} ${text}`, 'bad')),
    ...failure.errors.slice(0, 4).map(({ path, message }) => line(`  ${path}: ${message}`, 'bad')),
  ]
}

/** What will be started, and whether there is room for it. */
function planLines(install: Install, model: Model, router: string, columns: number): Line[] {
  const lines: Line[] = []
  for (const app of install.plan) lines.push(rule(app.id, columns), ...appLines(app, model, router, columns))
  if (install.plan.length === 0) lines.push(rule('Plan', columns), line('   It starts no app: it adds commands only.'))
  const changed = install.form.fields.filter(field => isChanged(install.form, field))
  if (changed.length > 0) {
    lines.push(rule(`Options that differ from their defaults ${changed.length}`, columns))
    for (const field of changed) {
      const value = field.secret ? '********' : show(install.form.values.get(field.id))
      lines.push([span(`   ${pad(field.id, 24)}  `), span(value, 'busy')])
    }
  }
  lines.push(...noteLines(install.notes, columns))
  return lines
}

function appLines(app: PlannedApp, model: Model, router: string, columns: number): Line[] {
  const fact = (title: string, text: string): Line[] =>
    wrap(text, Math.max(20, columns - 16)).map((part, index) => [
      span(`   ${pad(index === 0 ? title : '', 11)} `, 'dim'),
      span(part),
    ])
  const of = (instances: number) =>
    [
      `${number(app.cpus * instances)} cpus`,
      `${size(app.mem * instances)} memory`,
      ...(app.disk > 0 ? [`${size(app.disk * instances)} disk`] : []),
      ...(app.gpus > 0 ? [`${number(app.gpus * instances)} gpus`] : []),
    ].join(', ')
  const all = app.instances > 1 ? `; together ${of(app.instances)}` : ''
  const { fitting, agents } = roomFor(app, model)
  const fits = `one instance fits on ${fitting} of ${counted(agents, 'agent')} now`
  return [
    ...fact('instances', `${app.instances}, each with ${of(1)}${all}`),
    [
      span(`   ${pad('room', 11)} `, 'dim'),
      span(fitting > 0 ? fits : `! ${fits}: it will wait`, fitting > 0 ? undefined : 'warn'),
    ],
    ...(app.ports.length > 0 ? fact('ports', app.ports.join(', ')) : []),
    ...fact('name', app.names.join(', ')),
    ...(app.vips.length > 0 ? fact('virtual IP', app.vips.join(', ')) : []),
    ...(app.page === undefined ? [] : fact('URL', `${router}${app.page}`)),
    ...(app.checks > 0 ? fact('health', counted(app.checks, 'check')) : []),
  ]
}

function noteLines(notes: string, columns: number): Line[] {
  if (notes.trim() === '') return []
  const paragraphs = notes
    .trim()
    .split('\n')
    .flatMap(part => wrap(part, columns - 6))
  return [rule('Notes', columns), ...paragraphs.map(text => line(`   ${text}`))]
}

function progressLines(install: Install, model: Model, router: string, screen: Screen, space: number): Line[] {
  const { columns, now } = screen
  const { progress } = install
  if (!progress) {
    return install.asking === 'install'
      ? [rule('Installing', columns, longAge(now - install.startedAt)), [span(' * ', 'busy'), span('posting')]]
      : [rule('Nothing was installed', columns), line('   enter goes back to the plan', 'dim')]
  }
  if (progress.appId === undefined)
    return [
      rule('Installed', columns),
      [span(' + ', 'good'), span('it adds commands only, and runs nothing')],
      ...noteLines(install.notes, columns),
    ]
  const isDone = isOver(progress, model)
  const all = steps(progress, model)
  const lines: Line[] = [
    rule(progress.appId, columns, isDone ? 'installed' : longAge(now - progress.startedAt)),
    ...all.map(step => stepLine(step, columns, router)),
  ]
  const problem = trouble(progress, model)
  if (problem) {
    const tone = problem.bad ? 'warn' : 'dim'
    for (const [index, text] of wrap(problem.text, columns - 4)
      .slice(0, 4)
      .entries())
      lines.push([span(index === 0 && problem.bad ? ' ! ' : '   ', tone), span(text, tone)])
  }
  if (model.get('app', progress.appId) === undefined && model.synced)
    lines.push(line('   the cluster has not told of the app yet', 'dim'))
  const notes = isDone ? noteLines(install.notes, columns) : []
  lines.push(...instanceLines(progress.appId, model, screen, space - lines.length - notes.length))
  return [...lines, ...notes]
}

function stepLine(step: Step, columns: number, router: string): Line {
  const tone = step.state === 'done' ? 'good' : step.state === 'now' ? 'busy' : 'dim'
  const mark = step.state === 'done' ? '+' : step.state === 'now' ? '*' : ' '
  const took = step.took === undefined ? '' : `${(step.took / 1000).toFixed(1)} s`
  const title = step.id === 'page' ? step.text.replace('URL ', `URL ${router}`) : step.text
  const progress = step.of ? `${bar(step.of[0], step.of[1], columns < 60 ? 8 : 20)} ${step.of[0]}/${step.of[1]}` : ''
  const text = progress === '' ? title : `${pad(title, 10)} ${progress}`
  return [
    span(` ${mark} `, tone),
    span(pad(text, columns - 14), step.state === 'later' ? 'dim' : undefined),
    span(` ${pad(took, 8, true)}`, 'dim'),
  ]
}

/** The app's newest tasks, as many as there is room for. */
function instanceLines(appId: string, model: Model, screen: Screen, space: number): Line[] {
  const tasks = model.tasksOfApp(appId)
  if (tasks.length === 0 || space < 2) return []
  return [
    rule(`Tasks ${tasks.length}`, screen.columns),
    ...tasks.slice(0, space - 1).map((key): Line => {
      const { mark, cells } = rowOf(model, 'tasks', key, screen.now)
      const [, state = '', , node = '', , task = '', message = ''] = cells
      return [
        span(` ${mark} `, toneOf[mark]),
        span(pad(state, 9), toneOf[mark]),
        span(`  ${pad(node, 12)}  ${cutMiddle(task, Math.max(12, screen.columns - 30))}  `),
        span(message, 'dim'),
      ]
    }),
  ]
}
