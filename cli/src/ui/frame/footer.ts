import { found } from '../keys/prompts.ts'
import type { Model } from '../model/model.ts'
import type { Install, Mode, UiState, View } from '../state.ts'
import { placeOf } from '../state.ts'
import { type Line, line, span, width } from '../text.ts'

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

/** As many hints as fit, never a part of one. */
function joined(parts: readonly string[], columns: number): string {
  let text = ''
  for (const part of parts) {
    const next = text === '' ? part : `${text}  ${part}`
    if (width(next) <= columns) text = next
  }
  return text
}

/** The last line: what is asked, what happened, or which keys there are. */
export function footer(state: UiState, model: Model, columns: number): Line {
  const asked = question(state)
  if (asked) return asked
  if (state.notice) return line(state.notice.text, state.notice.bad ? 'bad' : 'good')
  if (!model.hearing.live && model.synced) {
    return line(`! not heard: ${model.hearing.detail}. This is of before; acting keys are off.`, 'warn')
  }
  return line(joined(keysOf(state, model), columns), 'dim')
}

function question(state: UiState): Line | undefined {
  const { mode } = state
  switch (mode.kind) {
    case 'command': {
      const names = found(mode.text.trim().split(/\s+/)[0]!)
      const hint =
        mode.text === '' ? 'name of a view, tab completes' : names.length > 0 ? names.join('  ') : 'no such view'
      return [{ text: `:${mode.text}_`, bold: true }, span(`   ${hint}`, 'dim')]
    }
    case 'filter':
      return [
        { text: `/${placeOf(state).filter}_`, bold: true },
        span('   words, -word, column:word   enter keeps  esc drops', 'dim'),
      ]
    case 'ask':
      return [span(`${mode.question} `, 'warn'), { text: 'y / n', bold: true }]
    case 'name':
      return [span(`${mode.question} `, 'warn'), { text: `${mode.typed}_`, bold: true }, span('   esc cancels', 'dim')]
    case 'scale':
      return [
        span(`${mode.id}: ${mode.from} -> ${mode.to} instances`, 'warn'),
        span('   enter does it  + - change  esc cancels', 'dim'),
      ]
    default:
      return undefined
  }
}

function keysOf({ mode, view, install }: UiState, model: Model): readonly string[] {
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
      return ['? help', ': view', '/ filter', ...hints[view], 'q quit']
  }
}

const logKeys = (mode: Extract<Mode, { kind: 'log' }>): readonly string[] => [
  'esc back',
  `f ${mode.follow ? 'stop' : 'follow'}`,
  `w ${mode.wrap ? 'cut' : 'wrap'}`,
  `tab ${mode.file === 'stdout' ? 'stderr' : 'stdout'}`,
  'j k scroll',
]

function installKeys({ step, asking, form, progress, versions }: Install, model: Model): readonly string[] {
  if (asking === 'describe' || asking === 'render') return ['asking the catalog ...', 'esc cancel']
  if (form.editing !== undefined) return ['enter sets', 'tab sets and goes on', 'ctrl-u empties', 'esc leaves it']
  if (form.finding) return ['enter keeps', 'esc clears']
  switch (step) {
    case 'options': {
      const version = versions.length > 1 ? ['ctrl-v version'] : []
      return ['ctrl-n plan', 'enter edit', 'space toggle', 'tab section', 'ctrl-r reset', ...version, 'esc cancel']
    }
    case 'plan':
      return model.hearing.live ? ['enter install', 'esc options'] : ['esc options']
    case 'install':
      return progress ? ['esc leaves it running', 'l log', 'enter packages'] : ['esc back']
  }
}
