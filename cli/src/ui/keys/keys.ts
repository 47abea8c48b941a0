import type { Model } from '../model/model.ts'
import { browsing, isChange, noticed, type UiState } from '../state.ts'
import { browse, leave } from './browse.ts'
import { installKeys } from './install.ts'
import type { Outcome, Press } from './press.ts'
import { ask, command, filter, name, scale } from './prompts.ts'
import { details, help, log } from './readers.ts'

/** What a key does: the next state, and what is to be done. Pure. `now` is wall time, ms. */
export function press(state: UiState, key: Press, model: Model, now: number): Outcome {
  const outcome = outcomeOf({ ...state, notice: undefined }, key, model, now)
  if (!outcome.action || !isChange(outcome.action) || model.hearing.live) return outcome
  // What is shown is of the past: nothing is done on the strength of it.
  const mode = state.mode.kind === 'install' ? state.mode : browsing
  return {
    state: noticed({ ...state, mode }, `not heard, so nothing was sent: ${model.hearing.detail}`),
  }
}

function outcomeOf(state: UiState, key: Press, model: Model, now: number): Outcome {
  if (key.name === 'ctrl-c') return leave(state)
  const { mode } = state
  switch (mode.kind) {
    case 'browse':
      return browse(state, key, model)
    case 'command':
      return command(state, mode, key)
    case 'filter':
      return filter(state, mode, key)
    case 'ask':
      return ask(state, mode, key)
    case 'name':
      return name(state, mode, key)
    case 'scale':
      return scale(state, mode, key)
    case 'details':
      return details(state, mode, key, model)
    case 'log':
      return log(state, mode, key)
    case 'help':
      return help(state, mode, key)
    case 'install':
      return installKeys(state, key, model, now)
  }
}
