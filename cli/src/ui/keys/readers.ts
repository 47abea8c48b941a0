import { detailLines } from '../frame/details.ts'
import type { Model } from '../model/model.ts'
import { browsing, type LogView, type Mode, type UiState } from '../state.ts'
import { moved, type Outcome, type Press } from './press.ts'

type ModeOf<Kind extends Mode['kind']> = Extract<Mode, { kind: Kind }>

const back = (state: UiState): UiState => ({ ...state, mode: browsing })
const isBack = (key: Press): boolean => key.name === 'escape' || key.text === 'q'
const pageOf = ({ size }: UiState): number => Math.max(1, size.rows - 8)

/** What an object is, and why it is so. */
export function details(state: UiState, mode: ModeOf<'details'>, key: Press, model: Model): Outcome {
  if (isBack(key) || key.text === 'd') return { state: back(state) }
  if (key.text === 'y') return { state: { ...state, mode: { ...mode, json: !mode.json, scroll: 0 } } }
  const count = detailLines(mode, model, state.size.columns, 0).length
  const most = Math.max(1, count - state.size.rows + 7)
  const scroll = moved(key, mode.scroll, most, pageOf(state))
  return { state: scroll === undefined ? state : { ...state, mode: { ...mode, scroll } } }
}

export function help(state: UiState, mode: ModeOf<'help'>, key: Press): Outcome {
  const scroll = moved(key, mode.scroll, 40, pageOf(state))
  return { state: scroll === undefined || isBack(key) ? back(state) : { ...state, mode: { ...mode, scroll } } }
}

export function log(state: UiState, mode: LogView, key: Press): Outcome {
  if (isBack(key) || key.text === 'l') return { state: back(state), action: { type: 'close-log' } }
  const set = (change: Partial<LogView>): Outcome => ({ state: { ...state, mode: { ...mode, ...change } } })
  const last = Math.max(0, mode.lines.length - 1)
  if (key.text === 'w') return set({ wrap: !mode.wrap })
  if (key.text === 'f') return set({ follow: !mode.follow, bottom: last })
  if (key.name === 'tab') {
    const file = mode.file === 'stdout' ? 'stderr' : 'stdout'
    const fresh = { file, lines: [], open: false, asked: false, follow: true, bottom: 0, ended: undefined } as const
    return { ...set(fresh), action: { type: 'open-log', task: mode.task, file } }
  }
  const bottom = moved(key, mode.follow ? last : mode.bottom, mode.lines.length, Math.max(1, state.size.rows - 4))
  if (bottom === undefined) return { state }
  // At the end it follows again.
  const first = Math.min(last, state.size.rows - 4)
  return set({ bottom: Math.max(first, bottom), follow: bottom >= last })
}
