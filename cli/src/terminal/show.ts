import { followFeed } from '@meseta/common/feed/reader'
import { systemClock } from '@meseta/common/service/clock'
import { createLogger } from '@meseta/common/service/logger'
import { systemRandom } from '@meseta/common/service/random'
import { Failure } from '../output/failure.ts'
import { fieldsOf } from './fields.ts'
import { plainOverview } from './frame.ts'
import { type Press, press } from './keys.ts'
import { Model } from './model.ts'
import { firstState, hear, type UiState } from './state.ts'
import { Worker } from './work.ts'

export interface ShowUiOptions {
  readonly router: string
  /** Leaving ends the cluster, which is asked once. */
  readonly quitEndsCluster: boolean
}

const topics = 'cluster,source,agent,framework,task,app,deployment,wait,package,installed,vip'
/** Between two frames at least, milliseconds. */
const frameTime = 33
/** Without a terminal the overview is printed when it is complete, at the latest after this long. */
const plainLimit = 10_000

/** The terminal UI; resolves when the person leaves. Without a terminal it prints the overview once. */
export async function showUi(options: ShowUiOptions): Promise<void> {
  const model = new Model()
  const listeners = new Set<() => void>()
  const ready = Promise.withResolvers<void>()
  let timer: NodeJS.Timeout | undefined
  // Changes in quick succession become one frame.
  const changed = () => {
    timer ??= setTimeout(() => {
      timer = undefined
      for (const listener of listeners) listener()
    }, frameTime)
  }
  const feed = followFeed({
    url: `${options.router}/meseta/v1/events?topics=${topics}`,
    clock: systemClock,
    random: systemRandom,
    log: createLogger({ name: 'ui', level: 'silent' }),
    on: {
      put(kind, key, body) {
        model.put(kind, key, body, Date.now())
        changed()
      },
      del(kind, key) {
        model.del(kind, key, Date.now())
        changed()
      },
      synced() {
        model.synced = true
        ready.resolve()
        changed()
      },
      state(state, detail) {
        model.live = state === 'live'
        model.detail = detail
        if (model.live) model.heardAt = Date.now()
        changed()
      },
    },
  })
  const clock = setInterval(() => {
    if (model.live) model.heardAt = Date.now()
    changed()
  }, 1_000)
  try {
    if (!isTerminal()) await printOnce(model, ready.promise, options.router)
    else await run(options, model, listeners, changed)
  } finally {
    clearInterval(clock)
    clearTimeout(timer)
    feed.stop()
  }
}

const isTerminal = () =>
  Boolean(process.stdout.isTTY && process.stdin.isTTY) && process.env.TERM !== 'dumb' && !process.env.CI

async function printOnce(model: Model, ready: Promise<void>, router: string): Promise<void> {
  const late = Promise.withResolvers<'late'>()
  const timer = setTimeout(() => late.resolve('late'), plainLimit)
  const first = await Promise.race([ready, late.promise])
  clearTimeout(timer)
  if (first === 'late')
    throw new Failure(`the cluster at ${router} was not heard within ${plainLimit / 1000} s: ${model.detail}`, {
      exit: 'unreachable',
    })
  process.stdout.write(plainOverview(model))
}

async function run(
  options: ShowUiOptions,
  model: Model,
  listeners: Set<() => void>,
  changed: () => void,
): Promise<void> {
  const [{ render }, { createElement }, { Screen }] = await Promise.all([
    import('ink'),
    import('react'),
    import('./screen.tsx'),
  ])
  let state: UiState = firstState(options.quitEndsCluster)
  const leaving = Promise.withResolvers<void>()
  const worker = new Worker(options.router, model, event => {
    state = hear(state, event, fieldsOf)
    changed()
  })
  const handle = (key: Press) => {
    const outcome = press(state, key, model)
    state = outcome.state
    // What a person typed is shown at once.
    for (const listener of listeners) listener()
    if (outcome.action?.type === 'quit') leaving.resolve()
    else if (outcome.action) void worker.perform(outcome.action)
  }
  const element = createElement(Screen, {
    model,
    state,
    subscribe: (listener: () => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    current: () => state,
    press: handle,
  })
  const app = render(element, { exitOnCtrlC: false, maxFps: 30, incrementalRendering: true, alternateScreen: true })
  await Promise.race([leaving.promise, app.waitUntilExit()])
  worker.stop()
  app.unmount()
}
