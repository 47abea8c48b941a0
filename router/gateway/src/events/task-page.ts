import type { TaskRow } from '@meseta/ui/model/tasks'

/** Rows by their keys. */
export type Rows = ReadonlyMap<string, TaskRow>

/** The `window` object of a page, and its frame. */
interface Said {
  readonly version: number
  readonly body: string
  readonly frame: Buffer
}

/** What a window shows at a moment. All streams with the same window share it, and what they are told is put together once. */
export class TaskPage {
  readonly rows: Rows
  /** Their keys in order, as a JSON array. */
  readonly keys: string
  readonly #changes = new WeakMap<Rows, Buffer>()
  #said: Said | undefined

  constructor(rows: readonly TaskRow[]) {
    this.rows = new Map(rows.map(row => [row.key, row]))
    this.keys = JSON.stringify(rows.map(({ key }) => key))
  }

  /** What turns these rows, told before, into those of this page. */
  changesSince(told: Rows, make: () => Buffer): Buffer {
    const known = this.#changes.get(told) ?? make()
    this.#changes.set(told, known)
    return known
  }

  /** The `window` object, which counts all tasks: made anew when one of them has changed. */
  said(version: number, make: () => Pick<Said, 'body' | 'frame'>): Said {
    if (this.#said?.version !== version) this.#said = { version, ...make() }
    return this.#said
  }
}
