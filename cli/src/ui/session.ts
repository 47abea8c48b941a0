import { heard, tended } from './events.ts'
import { frame } from './frame/frame.ts'
import { press } from './keys/keys.ts'
import type { Outcome, Press } from './keys/press.ts'
import type { Model } from './model/model.ts'
import { type Action, type Event, firstState, type Size, type UiState } from './state.ts'
import { isSameLine, type Line } from './text.ts'

/** Between two frames that changes of the cluster ask for, at least, milliseconds. */
const frameTime = 34

export interface SessionOptions {
  readonly model: Model
  readonly router: string
  readonly quitEndsCluster: boolean
  readonly size: Size
  /** Wall time, milliseconds. */
  readonly now: () => number
  /** Does what is asked; its outcome comes by `hear`. */
  readonly perform: (action: Action) => void
}

/** What one person looks at: state and model, the keys that act on them, and who is to be told that the screen has changed. */
export class Session {
  readonly model: Model
  readonly #now: () => number
  readonly #perform: (action: Action) => void
  readonly #listeners = new Set<() => void>()
  readonly #tops = new Map<string, number>()
  #state: UiState
  #version = 0
  #shown: readonly Line[] = []
  #timer: NodeJS.Timeout | undefined
  /** Rows of tables that were made for frames: their cost. */
  rowsMade = 0

  constructor(options: SessionOptions) {
    this.model = options.model
    this.#now = options.now
    this.#perform = options.perform
    this.#state = firstState(options)
    this.#shown = this.frame()
  }

  get state(): UiState {
    return this.#state
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The lines that are to be seen now. */
  get shown(): readonly Line[] {
    return this.#shown
  }

  /** Grows with each change of what is shown: where nothing is to be seen of a change, nothing is drawn. */
  readonly version = (): number => this.#version

  /** The cluster has changed. Changes in quick succession become one frame. */
  readonly changed = (): void => {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#take(tended(this.#state, this.model, this.#now()))
    }, frameTime)
  }

  readonly hear = (event: Event): void => {
    this.#state = heard(this.#state, event)
    this.changed()
  }

  /** What a person does is shown at once. */
  readonly press = (key: Press): void => {
    this.#take(press(this.#state, key, this.model, this.#now()))
  }

  readonly resize = (size: Size): void => {
    if (size.columns === this.#state.size.columns && size.rows === this.#state.size.rows) return
    this.#take({ state: { ...this.#state, size } })
  }

  /** The frame of this moment. */
  frame(): Line[] {
    const made = () => {
      this.rowsMade += 1
    }
    return frame(this.#state, this.model, { ...this.#state.size, now: this.#now(), tops: this.#tops, made })
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#listeners.clear()
  }

  #take({ state, action }: Outcome): void {
    this.#state = state
    const lines = this.frame()
    const isSame = lines.length === this.#shown.length && lines.every((one, at) => isSameLine(one, this.#shown[at]!))
    if (!isSame) {
      this.#shown = lines
      this.#version += 1
      for (const listener of this.#listeners) listener()
    }
    if (action) this.#perform(action)
  }
}
