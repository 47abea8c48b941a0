import { encodeFrame } from '@meseta/common/feed/frame'
import { type FeedHost, type FeedReader, parseTopics, unknownTopic } from '@meseta/common/feed/serve'
import type { FeedWriter, Kinds } from '@meseta/common/feed/writer'
import { HttpError } from '@meseta/common/service/errors'
import type { Rows, TaskPage } from './task-page.ts'
import type { TaskView, TaskViews } from './task-views.ts'
import { parseWindow, type Window } from './window.ts'

export interface StreamContext {
  readonly writer: FeedWriter
  readonly tasks: TaskViews
  now(): number
  /** The components behind the stream, for `hello`. */
  sources(): object
}

/** The most single objects that a stream names. */
const mostObjects = 64

const none: Rows = new Map()

/** What a stream asks for beside kinds: one window on the tasks, and single tasks. */
interface Wanted {
  readonly window: Window | undefined
  readonly keys: readonly string[]
}

/** Reads topics that are no kinds: `tasks?…` and `task:<framework id>/<task id>`. Throws a 400 for all others. */
function parseOthers(topics: readonly string[]): Wanted {
  const windows = topics.filter(topic => topic.startsWith('tasks?'))
  const objects = topics.filter(topic => topic.startsWith('task:'))
  const strange = topics.find(topic => !windows.includes(topic) && !objects.includes(topic))
  if (strange !== undefined) throw unknownTopic(strange)
  if (windows.length > 1) throw new HttpError(400, 'a stream has one window of tasks; move it instead')
  if (objects.length > mostObjects) throw new HttpError(400, `a stream names at most ${mostObjects} single objects`)
  return {
    window: windows[0] === undefined ? undefined : parseWindow(windows[0]),
    keys: objects.map(topic => topic.slice('task:'.length)),
  }
}

/**
 * One reader of the router's stream: its topics, and what it was last sent of its window. It holds no queue: what changed is told as
 * the difference between what is wanted now and what was sent, so a slow reader gets the newest state and none in between.
 */
export class EventStream implements FeedHost {
  readonly id: string
  readonly #context: StreamContext
  #topics: readonly string[]
  #wanted: Wanted
  #view: TaskView | undefined
  #reader: FeedReader | undefined
  /** The rows that it was last told. */
  #told = none
  #toldVersion = 0
  #toldWindow: string | undefined

  /** Throws a 400 for topics that it does not know, and a 503 when too many different lists are watched. */
  constructor(id: string, topics: readonly string[], context: StreamContext) {
    this.id = id
    this.#context = context
    this.#topics = topics
    this.#wanted = parseOthers(topics)
    this.#view = this.#viewOf(this.#wanted)
  }

  welcome(reader: FeedReader): void {
    this.#reader = reader
    reader.onReady(() => this.tell())
    reader.onLeave(() => {
      this.#reader = undefined
      this.#release()
    })
    this.tell()
  }

  hello(kinds: Kinds | undefined): object {
    return { stream: this.id, topics: [...(kinds ?? ['*']), ...this.#topics], sources: this.#context.sources() }
  }

  /** Other topics from now on, all kinds when undefined; answers what `hello` says. Throws as the constructor does: then nothing has changed. */
  choose(topics: readonly string[] | undefined): object {
    const { kinds, others } = topics ? parseTopics(topics) : { kinds: undefined, others: [] }
    const wanted = parseOthers(others)
    const view = this.#viewOf(wanted)
    this.#release()
    this.#topics = others
    this.#wanted = wanted
    this.#view = view
    this.#toldVersion = 0
    // What the reader knows as one of all tasks it forgets with them, and the other way round.
    if (carriesTasks(this.#reader?.kinds) !== carriesTasks(kinds)) this.#told = none
    this.#reader?.choose(kinds)
    this.tell()
    return this.hello(kinds)
  }

  /** Tells what has changed of its window and objects; the same cost, however much changed. */
  tell(): void {
    const reader = this.#reader
    if (!reader) return
    const page = this.#page()
    const rows = this.#rowsWanted(page)
    // A reader whose kinds carry all tasks has them anyhow.
    const frames = rows === this.#told || carriesTasks(reader.kinds) ? [] : [this.#changes(page, rows)]
    const window = page && this.#windowOf(page)
    if (window?.body !== this.#toldWindow) frames.push(window?.frame ?? this.#frame('window', 'del', 'tasks', ''))
    const bytes = frames.length === 1 ? frames[0]! : Buffer.concat(frames)
    if (bytes.length > 0 && !reader.tell(bytes)) return
    this.#told = rows
    this.#toldVersion = this.#context.tasks.version
    this.#toldWindow = window?.body
  }

  #page(): TaskPage | undefined {
    const { window } = this.#wanted
    return window && this.#view!.page(window.from, window.n)
  }

  /** The rows of its window, which it shares, and those that it alone has named. */
  #rowsWanted(page: TaskPage | undefined): Rows {
    const { keys } = this.#wanted
    if (keys.length === 0) return page?.rows ?? none
    const { tasks } = this.#context
    if (tasks.version === this.#toldVersion) return this.#told
    const single = keys.flatMap(key => tasks.row(key) ?? [])
    return new Map([...(page?.rows ?? none), ...single.map(row => [row.key, row] as const)])
  }

  #changes(page: TaskPage | undefined, rows: Rows): Buffer {
    const make = () => Buffer.concat([...this.#rowFrames(this.#told, rows)])
    return page?.rows === rows ? page.changesSince(this.#told, make) : make()
  }

  *#rowFrames(told: Rows, rows: Rows): Generator<Buffer> {
    for (const key of told.keys()) if (!rows.has(key)) yield this.#frame('task', 'del', key, '')
    for (const [key, row] of rows) {
      const frame = told.get(key) === row ? undefined : this.#context.writer.frameOf('task', key)
      // Without its id: that would move the reader's place in the feed.
      if (frame) yield frame.subarray(frame.indexOf('\n') + 1)
    }
  }

  #windowOf(page: TaskPage): { readonly body: string; readonly frame: Buffer } {
    const { total, statesJson, version } = this.#context.tasks
    return page.said(version, () => {
      const { rows, problems } = this.#view!
      const said = JSON.stringify({ ...this.#wanted.window, problems, total, matching: rows.length })
      const body = `${said.slice(0, -1)},"states":${statesJson},"keys":${page.keys}}`
      return { body, frame: this.#frame('window', 'put', 'tasks', body) }
    })
  }

  #frame(kind: string, op: 'put' | 'del', key: string, body: string): Buffer {
    const tail = body === '' ? '' : `,"body":${body}`
    const rev = this.#context.writer.seq
    return encodeFrame(
      kind,
      `{"op":"${op}","key":${JSON.stringify(key)},"rev":${rev},"at":${this.#context.now()}${tail}}`,
    )
  }

  #viewOf({ window }: Wanted): TaskView | undefined {
    if (!window) return undefined
    const view = this.#context.tasks.acquire(window.q, window.sort, this.#view)
    if (!view)
      throw new HttpError(503, 'too many different lists are watched at the moment; try again later', {
        headers: { 'retry-after': '5' },
      })
    return view
  }

  #release(): void {
    if (this.#view) this.#context.tasks.release(this.#view)
    this.#view = undefined
  }
}

const carriesTasks = (kinds: Kinds | undefined): boolean => !kinds || kinds.has('task')
