import { followFeed } from '@meseta/common/feed/reader'
import { systemClock } from '@meseta/common/service/clock'
import { createLogger } from '@meseta/common/service/logger'
import { systemRandom } from '@meseta/common/service/random'
import type { Announcer } from '../output/announcer.ts'
import { Failure } from '../output/failure.ts'
import { canDraw } from '../output/terminal.ts'
import { plainOverview } from './frame/frame.ts'
import { Model } from './model/model.ts'
import { Session } from './session.ts'
import { firstState } from './state.ts'
import { Worker } from './work.ts'

export interface ShowUiOptions {
  /** The router's URL. */
  readonly router: string
  /** Leaving ends the cluster and its tasks, which is asked once. */
  readonly quitEndsCluster: boolean
  /** Closes the UI when it settles; an error of it is passed on once the terminal is given back. */
  readonly until?: Promise<unknown>
  /** What is announced meanwhile is shown on the screen, which nobody else may write to. */
  readonly announcer?: Announcer
}

const topics = 'cluster,source,agent,framework,task,app,instance,deployment,wait,info,package,installed,repository,vip'
/** Ages are drawn anew so often, ms. */
const tick = 1_000
/** Without a terminal the overview is printed when it is complete, at the latest after this long, ms. */
const plainLimit = 10_000

/** The terminal UI; resolves when the person leaves. Without a terminal it prints the overview once. */
export async function showUi(options: ShowUiOptions): Promise<void> {
  const model = new Model()
  const complete = Promise.withResolvers<void>()
  let changed = () => {}
  const feed = followFeed({
    url: `${options.router}/meseta/v1/events?topics=${topics}`,
    clock: systemClock,
    random: systemRandom,
    log: createLogger({ name: 'ui', level: 'silent' }),
    on: {
      put(kind, key, body, at) {
        model.put(kind, key, body, at)
        changed()
      },
      del(kind, key) {
        model.del(kind, key, Date.now())
        changed()
      },
      synced() {
        model.synced = true
        complete.resolve()
        changed()
      },
      state(state, detail) {
        const live = state === 'live'
        // A copy that was never complete has no age.
        model.hearing = { live, detail, at: live || model.synced ? Date.now() : 0 }
        changed()
      },
    },
  })
  try {
    if (!canDraw()) return await printOnce(model, complete.promise, options)
    await run(model, options, listener => {
      changed = listener
    })
  } finally {
    feed.stop()
  }
}

async function printOnce(model: Model, complete: Promise<void>, options: ShowUiOptions): Promise<void> {
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(late.resolve, plainLimit)
  await Promise.race([complete, late.promise])
  clearTimeout(timer)
  if (!model.synced) {
    const seconds = plainLimit / 1000
    throw new Failure(`the cluster at ${options.router} was not heard within ${seconds} s: ${model.hearing.detail}`, {
      exit: 'unreachable',
      hint: '`meseta status` shows what runs on this machine, `meseta up` starts it',
    })
  }
  const state = firstState({ ...options, size: { columns: 100, rows: 40 } })
  process.stdout.write(plainOverview(state, model, Date.now()))
}

async function run(model: Model, options: ShowUiOptions, onChange: (listener: () => void) => void): Promise<void> {
  const [{ render }, { createElement }, { Screen }] = await Promise.all([
    import('ink'),
    import('react'),
    import('./screen.tsx'),
  ])
  const leaving = Promise.withResolvers<void>()
  const { columns, rows } = process.stdout
  const session = new Session({
    ...options,
    model,
    size: { columns, rows },
    now: Date.now,
    perform: action => {
      if (action.type === 'quit') leaving.resolve()
      else void worker.perform(action)
    },
  })
  const worker = new Worker(options.router, model, session.hear)
  onChange(session.changed)
  const undivert = options.announcer?.divert(sentence => {
    model.timeline.say(Date.now(), ['meseta up', sentence, 'warn'])
    session.hear({ type: 'notice', text: sentence, bad: true })
  })
  const ages = setInterval(session.changed, tick)
  const colored = !process.env.NO_COLOR
  const app = render(createElement(Screen, { session, colored }), {
    exitOnCtrlC: false,
    alternateScreen: true,
    incrementalRendering: true,
    maxFps: 30,
  })
  try {
    await Promise.race([leaving.promise, app.waitUntilExit(), ...(options.until ? [options.until] : [])])
  } finally {
    clearInterval(ages)
    worker.stop()
    session.stop()
    app.unmount()
    await app.waitUntilExit()
    undivert?.()
  }
}
