import { stripVTControlCharacters } from 'node:util'
import { changedOptions, show } from './fields.ts'
import { columns, type Model, type Row } from './model.ts'
import type { InstallFlow, Mode, UiState, View } from './state.ts'

/** One line of the screen, or part of one. */
export interface Line {
  readonly text: string
  readonly tone?: 'bad' | 'warn' | 'busy' | 'good' | 'dim' | 'title'
  readonly selected?: boolean
}

export interface Screen {
  readonly columns: number
  readonly rows: number
  /** The caller's clock, milliseconds. */
  readonly now: number
}

const smallest = { columns: 40, rows: 10 }
const tones = { x: 'bad', '!': 'warn', '>': 'busy', ' ': undefined } as const

/** The whole screen as lines: at most one fewer than it has, since a full one scrolls. Pure. */
export function frame(state: UiState, model: Model, screen: Screen): Line[] {
  if (screen.columns < smallest.columns || screen.rows < smallest.rows) {
    return [{ text: `at least ${smallest.columns} x ${smallest.rows} needed`.slice(0, screen.columns), tone: 'warn' }]
  }
  const head = header(model, screen)
  const foot = footer(state, model)
  const space = screen.rows - 1 - head.length - foot.length
  const body = content(state, model, { ...screen, rows: space })
  const filled = [
    ...body.slice(0, space),
    ...Array.from({ length: Math.max(0, space - body.length) }, () => ({ text: '' })),
  ]
  return [...head, ...filled, ...foot].map(line => ({ ...line, text: cut(line.text, screen.columns) }))
}

/** The overview once, as plain text for pipes and screen readers. */
export function plainOverview(model: Model): string {
  const lines = [
    ...header(model, { columns: 100, rows: 40, now: model.heardAt }),
    ...overview(model, { columns: 100, rows: 200, now: model.heardAt }, -1, ''),
  ]
  return `${lines.map(({ text }) => text.trimEnd()).join('\n')}\n`
}

const width = (text: string): number => [...text].length

/** Control characters of names and logs never reach the terminal as such. */
const clean = (text: string): string =>
  stripVTControlCharacters(text.replaceAll('\t', '    ')).replace(/\p{Cc}/gu, '\u00b7')

function cut(text: string, columns: number): string {
  const safe = clean(text)
  return width(safe) <= columns ? safe : `${[...safe].slice(0, columns - 1).join('')}~`
}

const pad = (text: string, columns: number): string => {
  const fitting = cut(text, columns)
  return fitting + ' '.repeat(Math.max(0, columns - width(fitting)))
}

export function bar(used: number, total: number, columns: number): string {
  const full = total > 0 ? Math.round((Math.min(used, total) / total) * columns) : 0
  return `[${'#'.repeat(full)}${'.'.repeat(columns - full)}]`
}

export function age(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`
}

function header(model: Model, { columns: wide, now }: Screen): Line[] {
  const cluster = model.cluster() as { name?: string; leader_info?: { hostname?: string; port?: number } }
  const leader = cluster.leader_info
    ? `leader ${cluster.leader_info.hostname}:${cluster.leader_info.port}`
    : 'no leader'
  const agents = model.rows('agents').filter(({ mark }) => mark === ' ').length
  const state = model.live ? 'live' : `STALE ${age(now - model.heardAt)}: ${model.detail}`
  const left = `meseta  ${cluster.name ?? '-'}   ${leader}   ${agents} agent${agents === 1 ? '' : 's'}`
  const title = `${left}${' '.repeat(Math.max(2, wide - width(left) - width(state)))}${state}`
  const size = wide >= 76 ? 16 : 6
  const usage = model
    .usage()
    .map(({ name, used, total, show: text }) => `${name} ${bar(used, total, size)} ${text(used)}/${text(total)}`)
  const running = model.rows('tasks').filter(({ cells }) => cells[1] === 'running').length
  const half = Math.floor(wide / 2)
  return [
    { text: title, tone: model.live ? 'title' : 'bad' },
    { text: `${pad(usage[0]!, half)}${usage[1]}` },
    { text: `${pad(usage[2]!, half)}${usage[3]}  ${running} tasks` },
  ]
}

const hints: Readonly<Record<View, string>> = {
  overview: 'enter tasks  l log  d why  + - scale  r restart  i install  ctrl-d delete',
  apps: 'enter tasks  l log  d why  + - scale  r restart  ctrl-d delete',
  tasks: 'enter log  d details',
  agents: 'd details',
  frameworks: 'd details',
  deployments: 'd details',
  vips: 'd details',
  catalog: 'enter install  / search  d details',
  packages: 'enter tasks  l log  ctrl-d uninstall',
}

function footer(state: UiState, model: Model): Line[] {
  const { mode, notice } = state
  if (mode.kind === 'command') return [{ text: `:${mode.text}_   view: tab completes, enter goes, esc back` }]
  if (mode.kind === 'filter') return [{ text: `/${mode.text}_   enter keeps, esc clears` }]
  if (mode.kind === 'confirm')
    return [
      {
        text: mode.expected === 'y' ? `${mode.question} y / n` : `${mode.question} ${mode.typed}_   esc cancels`,
        tone: 'warn',
      },
    ]
  if (notice) return [{ text: notice.text, tone: notice.bad ? 'bad' : 'good' }]
  if (!model.live && mode.kind === 'browse')
    return [{ text: 'the cluster is not heard: what is shown is of before   ? help  q quit', tone: 'warn' }]
  if (mode.kind === 'log')
    return [
      {
        text: `f ${mode.follow ? 'stop following' : 'follow'}  w ${mode.wrap ? 'cut' : 'wrap'}  j k scroll  esc back`,
        tone: 'dim',
      },
    ]
  if (mode.kind === 'install') return [{ text: installHint(mode.flow), tone: 'dim' }]
  if (mode.kind === 'detail' || mode.kind === 'help') return [{ text: 'j k scroll  esc back', tone: 'dim' }]
  return [{ text: `? help  : view  / filter  ${hints[state.view]}  q quit`, tone: 'dim' }]
}

function installHint(flow: InstallFlow): string {
  if (flow.editing !== undefined) return 'enter sets  esc leaves it'
  if (flow.step === 'options') return 'j k move  enter edit  space toggle  ctrl-r reset  ctrl-n plan  esc cancel'
  if (flow.step === 'plan') return 'enter install  esc back to the options'
  return flow.step === 'progress' ? 'enter shows installed packages  esc leaves it running' : 'esc cancel'
}

function content(state: UiState, model: Model, screen: Screen): Line[] {
  const { mode } = state
  switch (mode.kind) {
    case 'help':
      return help()
    case 'detail':
      return [
        rule(mode.title, screen.columns),
        ...mode.lines.slice(mode.scroll, mode.scroll + screen.rows - 1).map(text => ({ text })),
      ]
    case 'log':
      return logLines(mode, screen)
    case 'install':
      return installLines(mode.flow, model, screen)
    default: {
      const cursor = state.cursors[state.view] ?? 0
      const filter = state.filters[state.view] ?? ''
      if (state.view === 'overview') return overview(model, screen, cursor, filter)
      const rows = model.rows(state.view, filter)
      const title = `${state.view} ${rows.length}${filter ? `  /${filter}` : ''}`
      return [rule(title, screen.columns), ...table(columns[state.view], rows, cursor, screen.columns, screen.rows - 1)]
    }
  }
}

const rule = (title: string, columns: number): Line => {
  const text = `- ${title} `
  return { text: text + '-'.repeat(Math.max(0, columns - width(text))), tone: 'title' }
}

function overview(model: Model, screen: Screen, cursor: number, filter: string): Line[] {
  const needs = model.needsYou()
  const deployments = model.rows('deployments')
  const lines: Line[] = []
  const most = Math.max(2, Math.floor(screen.rows / 4))
  if (needs.length > 0) {
    lines.push(rule(`Needs you (${needs.length})`, screen.columns))
    for (const { mark, cells } of needs.slice(0, most))
      lines.push({ text: `${mark} ${pad(cells[0]!, 20)} ${pad(cells[1]!, 16)} ${cells[2]}`, tone: tones[mark] })
  }
  if (deployments.length > 0) {
    lines.push(rule(`Deployments ${deployments.length}`, screen.columns))
    for (const { cells } of deployments.slice(0, 3))
      lines.push({ text: `> ${cells[1]}  step ${cells[2]}  ${cells[3]}`, tone: 'busy' })
  }
  const events = Math.min(5, model.happenings().length)
  const apps = model.rows('apps', filter)
  const space = Math.max(3, screen.rows - lines.length - (events > 0 ? events + 1 : 0) - 1)
  lines.push(rule(`Apps ${apps.length}${filter ? `  /${filter}` : ''}`, screen.columns))
  if (apps.length === 0) {
    lines.push({
      text: '  Nothing runs yet. i installs a package of the catalog; or: meseta app add app.json',
      tone: 'dim',
    })
  } else lines.push(...table(columns.apps, apps, cursor, screen.columns, space))
  if (events > 0) {
    lines.push(rule('Events', screen.columns))
    for (const { at, text, bad } of model.happenings().slice(0, events)) {
      lines.push({
        text: `  ${new Date(at).toISOString().slice(11, 19)} ${text}`,
        ...(bad ? { tone: 'bad' as const } : {}),
      })
    }
  }
  return lines
}

/** Only the rows that are seen are made. The last column takes what is left. */
export function table(
  names: readonly string[],
  rows: readonly Row[],
  cursor: number,
  wide: number,
  space: number,
): Line[] {
  const visible = Math.max(1, space - 1)
  const at = Math.min(cursor, rows.length - 1)
  const first = Math.max(0, Math.min(at - Math.floor(visible / 2), rows.length - visible))
  const shown = rows.slice(first, first + visible)
  const most = Math.max(10, Math.floor(wide * 0.4))
  const widths = names.map((name, column) =>
    Math.min(most, Math.max(width(name), ...shown.map(({ cells }) => width(cells[column] ?? '')))),
  )
  // What does not fit is left out from the right, but never the first two columns.
  let total = 2
  const fitting = widths.filter((size, column) => {
    total += size + 2
    return column < 2 || total - size - 2 + Math.min(size, 8) <= wide
  }).length
  const line = (cells: readonly string[]) =>
    cells
      .slice(0, fitting)
      .map((cell, column) => (column === fitting - 1 ? cell : pad(cell, widths[column]!)))
      .join('  ')
  return [
    { text: `  ${line(names.map(name => name.toUpperCase()))}`, tone: 'dim' },
    ...shown.map(({ mark, cells }, index): Line => {
      const selected = first + index === at
      return {
        text: `${mark === ' ' && selected ? '>' : mark} ${line(cells)}`,
        ...(tones[mark] ? { tone: tones[mark] } : {}),
        selected,
      }
    }),
  ]
}

function logLines(mode: Extract<Mode, { kind: 'log' }>, screen: Screen): Line[] {
  const space = screen.rows - 1
  const lines = mode.wrap ? mode.lines.flatMap(line => wrap(clean(line), screen.columns)) : mode.lines
  const last = mode.follow ? lines.length : Math.min(lines.length, mode.scroll + 1)
  const shown = lines.slice(Math.max(0, last - space), last)
  const title = rule(`log of ${mode.title}${mode.follow ? ', following' : ''}`, screen.columns)
  return [
    title,
    ...(mode.lines.length === 0 ? [{ text: '  (nothing yet)', tone: 'dim' as const }] : shown.map(text => ({ text }))),
  ]
}

function wrap(text: string, columns: number): string[] {
  const parts: string[] = []
  for (let at = 0; at === 0 || at < text.length; at += columns) parts.push(text.slice(at, at + columns))
  return parts
}

const stepNames = ['choose', 'options', 'plan', 'install'] as const

function installLines(flow: InstallFlow, model: Model, screen: Screen): Line[] {
  const step = flow.step === 'loading' ? 0 : flow.step === 'options' ? 1 : flow.step === 'plan' ? 2 : 3
  const way = stepNames.map((name, index) => `${index + 1} ${index === step ? name.toUpperCase() : name}`).join('  >  ')
  const lines: Line[] = [{ text: `Install ${flow.name} ${flow.version}   ${way}`, tone: 'title' }]
  if (flow.failure) {
    lines.push({ text: flow.failure.message, tone: 'bad' })
    for (const hint of flow.failure.hint.split('\n'))
      if (hint.trim() !== '') lines.push({ text: `  ${hint.trim()}`, tone: 'bad' })
  }
  if (flow.step === 'loading') return [...lines, { text: '  reading its description ...', tone: 'dim' }]
  if (flow.step === 'options') return [...lines, ...optionLines(flow, { ...screen, rows: screen.rows - lines.length })]
  if (flow.step === 'plan') {
    const changed = Object.keys(changedOptions(flow.fields, flow.values)).length > 0
    return [
      ...lines,
      rule(`What will be installed${changed ? ', with your options' : ''}`, screen.columns),
      ...flow.plan.map(text => ({ text: `  ${text}` })),
    ]
  }
  return [...lines, ...progressLines(flow, model, screen)]
}

function optionLines(flow: InstallFlow, screen: Screen): Line[] {
  if (flow.fields.length === 0) return [{ text: '  It has no options. ctrl-n shows the plan.', tone: 'dim' }]
  const space = Math.max(3, screen.rows - 4)
  const first = Math.max(0, Math.min(flow.cursor - Math.floor(space / 2), flow.fields.length - space))
  const names = flow.fields.map(({ path }) => path.join('.'))
  const wide = Math.min(32, Math.max(...names.map(width)))
  const lines = flow.fields.slice(first, first + space).map((field, index): Line => {
    const at = first + index
    const name = names[at]!
    const set = flow.values.has(name)
    const value = set ? flow.values.get(name) : field.fallback
    const editing = at === flow.cursor && flow.editing !== undefined
    const box = editing ? `[${flow.editing}_]` : `[${show(value)}]`
    const note =
      set && JSON.stringify(value) !== JSON.stringify(field.fallback)
        ? `  changed, default ${show(field.fallback) || 'none'}`
        : ''
    const problem = at === flow.cursor && flow.problem ? `  ! ${flow.problem}` : ''
    return {
      text: `${at === flow.cursor ? '>' : ' '} ${pad(name, wide)} ${field.required ? '*' : ' '} ${box}${note}${problem}`,
      selected: at === flow.cursor,
      ...(problem ? { tone: 'bad' as const } : note ? { tone: 'busy' as const } : {}),
    }
  })
  const field = flow.fields[flow.cursor]!
  const kind = field.choices ? `one of ${field.choices.join(', ')}` : field.type
  const limits = [
    field.minimum === undefined ? '' : `at least ${field.minimum}`,
    field.maximum === undefined ? '' : `at most ${field.maximum}`,
  ]
    .filter(Boolean)
    .join(', ')
  return [
    rule(`Options ${flow.cursor + 1} of ${flow.fields.length}`, screen.columns),
    ...lines,
    rule(names[flow.cursor]!, screen.columns),
    { text: `  ${field.description}` },
    {
      text: `  ${kind}${limits ? `, ${limits}` : ''}${field.fallback === undefined ? '' : `, default ${show(field.fallback)}`}`,
      tone: 'dim',
    },
  ]
}

function progressLines(flow: InstallFlow, model: Model, screen: Screen): Line[] {
  if (flow.appId === undefined) return [{ text: '  installed: it adds commands only, and runs nothing', tone: 'good' }]
  const app = model.get('app', flow.appId) as
    | {
        instances?: number
        tasksRunning?: number
        tasksHealthy?: number
        healthChecks?: number
        deployments?: unknown[]
        labels?: Record<string, string>
      }
    | undefined
  const instances = app?.instances ?? 0
  const running = app?.tasksRunning ?? 0
  const healthy = app?.tasksHealthy ?? 0
  const checks = (app?.healthChecks ?? 0) > 0
  const deployed = app !== undefined && (app.deployments?.length ?? 0) === 0
  const done = deployed && running >= instances && (!checks || healthy >= instances)
  const name = app?.labels?.DCOS_SERVICE_NAME
  const step = (ready: boolean, text: string): Line => ({
    text: `  ${ready ? '+' : '>'} ${text}`,
    tone: ready ? 'good' : 'busy',
  })
  const why = app ? model.whyOf(app) : ''
  return [
    rule(`${flow.appId}   ${age(screen.now - (flow.startedAt ?? screen.now))}`, screen.columns),
    step(true, 'accepted by the cluster'),
    step(
      app !== undefined && running >= instances && instances > 0,
      `running  ${bar(running, instances, 20)} ${running}/${instances}`,
    ),
    ...(checks
      ? [step(healthy >= instances && instances > 0, `healthy  ${bar(healthy, instances, 20)} ${healthy}/${instances}`)]
      : []),
    step(done, done ? 'deployed' : 'deploying'),
    ...(done && name ? [{ text: `    its page: /service/${name}/` } as Line] : []),
    ...(why && !done ? [{ text: `  waits: ${why}`, tone: 'warn' as const }] : []),
  ]
}

function help(): Line[] {
  return [
    'j k, arrows    move               : + name   go to a view (tab completes)',
    'PgUp PgDn g G  page, first, last  /          filter the table',
    'enter          open               esc        back',
    'l              log                d          describe, with why',
    '+ -            scale              r          restart',
    'i              install            ctrl-d     delete, by typing the name',
    'tab            next view          q, ctrl-c  quit',
    '',
    'views: overview apps tasks agents frameworks deployments vips catalog packages',
    'x is bad, ! wants a look, > is under way',
  ].map(text => ({ text: `  ${text}` }))
}
