import { EventEmitter } from 'node:events'
import t from 'tap'
import { untilTold } from '../../src/cluster/leaving.ts'

/** A process whose signals and clock are the test's. */
function scene() {
  const source = new EventEmitter()
  let now = 5
  let left = 0
  const told = untilTold({
    source,
    now: () => now,
    leave: () => {
      left += 1
    },
  })
  const signal = (name: NodeJS.Signals, later: number) => {
    now += later
    source.emit(name, name)
    return left
  }
  return { told, signal }
}

t.test('one Ctrl-C that arrives twice, from the terminal and from npm, is one', async t => {
  const { told, signal } = scene()
  t.equal(signal('SIGINT', 0), 0)
  await told
  t.equal(signal('SIGINT', 3), 0)
  t.equal(signal('SIGTERM', 900), 0)
})

t.test('who asks a second time does not wait for the end', async t => {
  const { told, signal } = scene()
  signal('SIGTERM', 0)
  await told
  t.equal(signal('SIGINT', 1_000), 1)
})

t.test('a terminal that is closed is a word, too', async t => {
  const { told, signal } = scene()
  signal('SIGHUP', 0)
  await told
  t.equal(signal('SIGHUP', 2), 0)
})
