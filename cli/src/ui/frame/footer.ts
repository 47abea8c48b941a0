import { isOver } from '../install/progress.ts'
import { found } from '../keys/prompts.ts'
import type { Model } from '../model/model.ts'
import type { Install, Mode, UiState, View } from '../state.ts'
import { placeOf, tableOf } from '../state.ts'
import { type Line, line, span, type Tone, width, wrap } from '../text.ts'

/** What keys do on a row, most wanted first: what has no room is in the help. */
const hints: Readonly<Record<View, readonly string[]>> = {
  overview: ['enter tasks', 'l log', 'd why', 'i install', '+ - scale', 'r restart'],
  apps: ['enter tasks', 'l log', 'd why', '+ - scale', 'r restart', 'ctrl-d delete', 'o URL'],
  tasks: ['enter log', 'd describe'],
  agents: ['enter tasks', 'd describe'],
  frameworks: ['enter tasks', 'd describe'],
  deployments: ['enter describe'],
  vips: ['enter describe'],
  catalog: ['enter install', 'd describe'],
  packages: ['enter tasks', 'l log', 'u uninstall', 'o URL', 'd why'],
}

/** As many hints as fit, never a part of one; the last one always. */
function joined(parts: readonly string[], columns: number): string {
  const last = parts.at(-1)!
  let text = ''
  for (const part of parts.slice(0, -1)) {
    const next = `${text}${part}  `
    if (width(next) + width(last) <= columns) text = next
  }
  return text + last
}

/** The last lines, mostly one: what is asked, what happened, or which keys there are. */
export function footer(state: UiState, model: Model, columns: number): Line[] {
  const asked = question(state)
  if (asked) return prompt(asked, columns)
  if (state.notice) return wrapped(state.notice.text, columns, state.notice.bad ? 'bad' : 'good')
  if (!model.hearing.live && model.synced) {
    return wrapped(
      `! not heard: ${model.hearing.detail}; acting keys are off. A cluster that has ended: meseta up`,
      columns,
      'warn',
    )
  }
  return [line(joined(keysOf(state, model), columns), 'dim')]
}

/** Lines that a notice takes at most. */
const noticeMost = 3

const wrapped = (text: string, columns: number, tone: Tone): Line[] =>
  wrap(text, columns)
    .slice(0, noticeMost)
    .map(part => line(part, tone))

/** What is asked, what has been typed as the answer, and what else a key does. */
interface Question {
  readonly asks: string
  readonly answer: string
  readonly hint?: string
}

/** A question is never cut: where it is too long for a line it takes more. */
function prompt({ asks, answer, hint = '' }: Question, columns: number): Line[] {
  const typed = { text: answer, bold: true }
  const isShort = width(asks) + width(answer) <= columns
  const lines = isShort ? [] : wrap(asks.trimEnd(), columns).map(text => line(text, 'warn'))
  return [...lines, [...(isShort ? [span(asks, 'warn')] : []), typed, span(hint, 'dim')]]
}

function question(state: UiState): Question | undefined {
  const { mode } = state
  switch (mode.kind) {
    case 'command': {
      const names = found(mode.text.trim().split(/\s+/)[0]!)
      const hint = names.length > 0 ? names.join('  ') : mode.text === '' ? 'a view; tab completes' : 'no such view'
      return { asks: '', answer: `:${mode.text}_`, hint: `   ${hint}` }
    }
    case 'filter':
      return {
        asks: '',
        answer: `/${placeOf(state).filter}_`,
        hint: '   words, -word, column:part, column=whole  enter keeps  esc drops',
      }
    case 'ask':
      return { asks: `${mode.question} `, answer: 'y / n' }
    case 'name':
      return { asks: `${mode.question} `, answer: `${mode.typed}_`, hint: '   esc cancels' }
    case 'scale': {
      const asks = `${mode.id}: ${mode.from} -> ${mode.to} instances?`
      return { asks, answer: '', hint: '   enter does it  + - change  esc cancels' }
    }
    default:
      return undefined
  }
}

function keysOf(state: UiState, model: Model): readonly string[] {
  const { mode, view, install } = state
  const hasRows = model.rows(tableOf(view), placeOf(state).filter).length > 0
  switch (mode.kind) {
    case 'log':
      return logKeys(mode)
    case 'details':
      return ['j k scroll', `y ${mode.json ? 'summary' : 'JSON'}`, 'esc back']
    case 'help':
      return ['j k scroll', 'esc back']
    case 'install':
      return install ? installKeys(install, model) : ['esc back']
    default:
      return ['? help', ': view', '/ filter', ...(hasRows ? hints[view] : ['i install']), 'q quit']
  }
}

const logKeys = (mode: Extract<Mode, { kind: 'log' }>): readonly string[] => [
  `f ${mode.follow ? 'stop' : 'follow'}`,
  `w ${mode.wrap ? 'cut' : 'wrap'}`,
  `tab ${mode.file === 'stdout' ? 'stderr' : 'stdout'}`,
  'j k scroll',
  'esc back',
]

function installKeys({ step, asking, form, progress, versions }: Install, model: Model): readonly string[] {
  if (asking === 'describe' || asking === 'render') return ['asking the catalog ...', 'esc cancel']
  if (form.editing !== undefined)
    return ['enter sets', 'tab sets and goes on', 'ctrl-n sets and plans', 'ctrl-u empties', 'esc leaves it']
  if (form.finding) return ['enter keeps', 'esc clears']
  switch (step) {
    case 'options': {
      const version = versions.length > 1 ? ['ctrl-v version'] : []
      return ['ctrl-n plan', 'enter edit', 'space toggle', 'tab section', 'ctrl-r reset', ...version, 'esc cancel']
    }
    case 'plan':
      return model.hearing.live ? ['enter install', 'esc options'] : ['esc options']
    case 'install':
      if (!progress) return ['esc back']
      return ['l log', 'enter packages', isOver(progress, model) ? 'esc back' : 'esc leaves it running']
  }
}
