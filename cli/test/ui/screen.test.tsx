import { render } from 'ink-testing-library'
import t from 'tap'
import { Screen } from '../../src/ui/screen.tsx'
import { Session } from '../../src/ui/session.ts'
import type { Action } from '../../src/ui/state.ts'
import { config, now, scripted, task } from './cluster.ts'

const size = { columns: 80, rows: 24 }

function shown(model = scripted()) {
  const actions: Action[] = []
  const session = new Session({
    model,
    router: 'http://127.0.0.1:8080',
    quitEndsCluster: false,
    size,
    now: () => now,
    perform: action => actions.push(action),
  })
  const app = render(<Screen session={session} colored={false} size={size} />)
  return { session, actions, ...app, frame: () => app.lastFrame() ?? '' }
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`not within 10 s: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

t.test('Ink draws the frame, and draws it anew when the cluster changes', async t => {
  const { session, frame, unmount } = shown()
  t.equal(frame().split('\n').length, size.rows - 1)
  t.match(frame(), /x \/team\/db +WAITING 4m12s/)
  session.model.put('task', 'F/web.7', task('web', 7), now)
  session.changed()
  await until('the event is shown', () => /\/web {2}task running/.test(frame()))
  unmount()
  t.end()
})

t.test('keys of the terminal reach the session, one by one, also when they come together', async t => {
  const { session, stdin, frame, actions, unmount } = shown()
  await until('keys are read', () => stdin.listenerCount('readable') > 0)
  stdin.write(':cat\r')
  await until('the catalog', () => /Catalog 2/.test(frame()))
  stdin.write('\u001b[B')
  await until('the second row', () => /> {2}web-demo/.test(frame()))
  stdin.write('\r')
  await until('the description is asked for', () => actions.length === 1)
  session.hear({ type: 'described', name: 'web-demo', version: '1.1.0', versions: [], config, notes: '' })
  await until('the form', () => /> Name +\* \[web-demo/.test(frame()))
  stdin.write('\t')
  await until('the next section', () => /> message/.test(frame()))
  stdin.write('\u001b[Z')
  await until('the section before', () => /> Name/.test(frame()))
  stdin.write('\u000e')
  await until('the plan is asked for', () => actions.length === 2)
  t.match(actions[1], { type: 'render', request: { options: {} } })
  unmount()
})

t.test('control keys count also among letters that come with them', async t => {
  const { session, stdin, frame, unmount } = shown()
  await until('keys are read', () => stdin.listenerCount('readable') > 0)
  stdin.write('/abc\u0015web\u007f\u007f\r')
  await until('what was typed after ctrl-u, less two letters', () => /\/w -/.test(frame()))
  t.equal(session.state.mode.kind, 'browse')
  unmount()
})

t.test('of ten thousand rows those that are seen are made, whatever changes', async t => {
  const model = scripted()
  for (let index = 0; index < 10_000; index += 1) model.put('task', `F/t.${index}`, task('t', index), now)
  const { session, stdin, frame, unmount } = shown(model)
  await until('keys are read', () => stdin.listenerCount('readable') > 0)
  stdin.write(':tasks\r')
  await until('the tasks', () => /Tasks 10002/.test(frame()))
  const visible = size.rows
  let before = session.rowsMade
  let version = session.version()
  stdin.write('G')
  await until('the last row', () => session.version() > version && /> {2}web/.test(frame()))
  t.ok(session.rowsMade - before <= 2 * visible, `${session.rowsMade - before} rows were made for a key`)
  before = session.rowsMade
  version = session.version()
  for (let index = 0; index < 500; index += 1) {
    model.put('task', `F/t.${index}`, task('t', index, { state: 'TASK_FINISHED' }), now)
    session.changed()
  }
  await until('a frame', () => session.version() > version)
  await new Promise(resolve => setImmediate(resolve))
  t.ok(session.version() - version <= 2, 'five hundred changes at once become one frame')
  t.ok(session.rowsMade - before <= 2 * visible, `${session.rowsMade - before} rows were made for five hundred changes`)
  unmount()
})

t.test('a resize keeps view, row and filter', async t => {
  const { session, stdin, frame, rerender, unmount } = shown()
  await until('keys are read', () => stdin.listenerCount('readable') > 0)
  stdin.write(':apps\r/e\r')
  await until('a filter', () => /\/e -/.test(frame()))
  stdin.write('j')
  await until('a row', () => />x \/team\/db/.test(frame()))
  rerender(<Screen session={session} colored={false} size={{ columns: 40, rows: 10 }} />)
  await until('a small screen', () => frame().split('\n').length === 9)
  t.match(frame(), />x \/team\/db/)
  rerender(<Screen session={session} colored={false} size={{ columns: 30, rows: 10 }} />)
  await until('too small a screen', () => /too small/.test(frame()))
  rerender(<Screen session={session} colored={false} size={size} />)
  await until('as before', () => />x \/team\/db/.test(frame()) && /\/e -/.test(frame()))
  unmount()
})
