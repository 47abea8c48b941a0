import { didYouMean } from '../../output/nearest.ts'
import { browsing, type Mode, noticed, type Place, placeOf, type UiState, type View, views } from '../state.ts'
import { goTo, leave } from './browse.ts'
import { type Outcome, type Press, typed } from './press.ts'

type ModeOf<Kind extends Mode['kind']> = Extract<Mode, { kind: Kind }>

const withMode = (state: UiState, mode: Mode): UiState => ({ ...state, mode })
const back = (state: UiState): UiState => withMode(state, browsing)

/** Other words for views. */
const aliases: Readonly<Record<string, View>> = {
  nodes: 'agents',
  installed: 'packages',
  services: 'apps',
  home: 'overview',
}

/** Views that a beginning may mean. */
export function found(text: string): readonly View[] {
  if (text === '') return []
  const direct = views.filter(view => view.startsWith(text))
  if (direct.length > 0) return direct
  return Object.entries(aliases).flatMap(([alias, view]) => (alias.startsWith(text) ? [view] : []))
}

/** `:apps`, `:tasks web`: a view by its beginning, and a filter for it. */
export function command(state: UiState, mode: ModeOf<'command'>, key: Press): Outcome {
  const [word = '', ...rest] = mode.text.trim().split(/\s+/)
  switch (key.name) {
    case 'escape':
      return { state: back(state) }
    case 'backspace':
      return { state: mode.text === '' ? back(state) : withMode(state, { ...mode, text: typed(mode.text, key) }) }
    case 'tab':
      return { state: withMode(state, { ...mode, text: completed(mode.text, word) }) }
    case 'return': {
      if (word === 'q' || word === 'quit') return leave(back(state))
      if (word === '') return { state: back(state) }
      const [view] = found(word)
      if (view) return { state: goTo(state, view, rest.join(' ')) }
      const hint = didYouMean(word, views) ?? `There are ${views.join(', ')}.`
      return { state: noticed(back(state), `there is no view "${word}". ${hint}`) }
    }
    default:
      return { state: withMode(state, { ...mode, text: typed(mode.text, key) }) }
  }
}

/** The next view after the one that is written, among those that the text may mean. */
function completed(text: string, word: string): string {
  if (views.includes(word as View)) return views[(views.indexOf(word as View) + 1) % views.length]!
  return found(word)[0] ?? (text.trim() === '' ? views[0]! : text)
}

export function filter(state: UiState, mode: ModeOf<'filter'>, key: Press): Outcome {
  const place = placeOf(state)
  const at = (next: Place): UiState => ({ ...state, places: { ...state.places, [state.view]: next } })
  // What is found best is the row that keys act on.
  const set = (text: string): UiState => at({ index: 0, filter: text })
  switch (key.name) {
    case 'escape':
      return { state: back(at(mode.before)) }
    case 'return':
      return { state: back(state) }
    case 'backspace':
      return { state: place.filter === '' ? back(state) : set(typed(place.filter, key)) }
    default:
      return { state: set(typed(place.filter, key)) }
  }
}

/** A question that `y` answers; everything else leaves things as they are. */
export function ask(state: UiState, mode: ModeOf<'ask'>, key: Press): Outcome {
  const before = withMode(state, mode.from)
  if (key.name === 'text' && key.text.toLowerCase() === 'y') return { state: before, action: mode.action }
  return { state: key.name === 'other' ? state : before }
}

/** What can not be undone is done when its name has been typed. */
export function name(state: UiState, mode: ModeOf<'name'>, key: Press): Outcome {
  if (key.name === 'escape') return { state: back(state) }
  if (key.name !== 'return') return { state: withMode(state, { ...mode, typed: typed(mode.typed, key) }) }
  if (mode.typed === mode.expected) return { state: back(state), action: mode.action }
  const said = mode.typed === '' ? 'nothing was typed' : `"${mode.typed}" is not ${mode.expected}`
  return { state: noticed(back(state), `${said}: nothing is done`) }
}

/** More `+` and `-` change what is confirmed. */
export function scale(state: UiState, mode: ModeOf<'scale'>, key: Press): Outcome {
  const by = key.name === 'up' || key.text === '+' ? 1 : key.name === 'down' || key.text === '-' ? -1 : 0
  if (by !== 0) return { state: withMode(state, { ...mode, to: Math.max(0, mode.to + by) }) }
  if (key.name !== 'return' && key.text !== 'y') return { state: key.name === 'other' ? state : back(state) }
  if (mode.to === mode.from)
    return { state: noticed(back(state), `${mode.id} has ${mode.from}: nothing is done`, false) }
  return { state: back(state), action: { type: 'scale', id: mode.id, instances: mode.to } }
}
