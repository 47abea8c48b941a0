import type { Action, UiState } from '../state.ts'

/** A key as the terminal gives it: its name, or the text that was typed. */
export interface Press {
  readonly name:
    | 'up'
    | 'down'
    | 'left'
    | 'right'
    | 'pageup'
    | 'pagedown'
    | 'home'
    | 'end'
    | 'return'
    | 'escape'
    | 'tab'
    | 'backtab'
    | 'backspace'
    | 'ctrl-c'
    | 'ctrl-d'
    | 'ctrl-n'
    | 'ctrl-r'
    | 'ctrl-u'
    | 'ctrl-v'
    | 'text'
    | 'other'
  readonly text: string
}

export interface Outcome {
  readonly state: UiState
  readonly action?: Action
}

/** A text that is being typed, after the key. */
export function typed(before: string, key: Press): string {
  if (key.name === 'backspace') return [...before].slice(0, -1).join('')
  if (key.name === 'ctrl-u') return ''
  // What no name or option has is not taken: bounds what a paste can do.
  return key.name === 'text' && before.length < 2_000 ? before + key.text : before
}

/** Which way a key moves among `count` rows from `at`, a page being so many; `undefined` when it does not move. */
export function moved(key: Press, at: number, count: number, page: number): number | undefined {
  const to = target(key, at, count, page)
  return to === undefined ? undefined : Math.max(0, Math.min(count - 1, to))
}

function target(key: Press, at: number, count: number, page: number): number | undefined {
  switch (key.name) {
    case 'up':
      return at - 1
    case 'down':
      return at + 1
    case 'pageup':
      return at - page
    case 'pagedown':
      return at + page
    case 'home':
      return 0
    case 'end':
      return count - 1
    case 'text':
      return { k: at - 1, j: at + 1, g: 0, G: count - 1 }[key.text]
    default:
      return undefined
  }
}
