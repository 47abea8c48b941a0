import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { createLogger, type LogLevel } from '../../src/service/logger.ts'
import { openOwnLog } from '../../src/service/own-log.ts'
import { Verbosity } from '../../src/service/verbosity.ts'
import { TestClock } from '../support/simulated-time.ts'

function logTo(lines: string[], level: LogLevel) {
  return createLogger({
    name: 'test',
    level,
    stream: { write: (line: string) => void lines.push(JSON.parse(line).msg) },
  })
}

t.test('a log is more talkative for a while', async t => {
  const clock = new TestClock()
  const lines: string[] = []
  const log = logTo(lines, 'info')
  const verbosity = new Verbosity(log, clock)
  const say = (name: string) => {
    log.debug(`debug ${name}`)
    log.trace(`trace ${name}`)
  }
  say('0')
  verbosity.set(1, 1_000)
  say('1')
  verbosity.set(3, 5_000)
  say('3')
  clock.advance(1_500)
  t.equal(verbosity.level, 3, 'the former change does not end the later one')
  clock.advance(4_000)
  t.equal(verbosity.level, 0)
  say('again')
  t.same(lines, ['debug 1', 'debug 3', 'trace 3'])
})

t.test('a log that is more talkative already stays so', async t => {
  const log = logTo([], 'trace')
  const verbosity = new Verbosity(log, new TestClock())
  verbosity.set(1, 1_000)
  t.equal(log.level, 'trace')
  verbosity.stop()
  t.equal(verbosity.level, 0)
})

t.test("a component's own log, and what of it the log of the process tells", async t => {
  const folder = await mkdtemp(join(tmpdir(), 'meseta-own-log-'))
  t.teardown(() => rm(folder, { recursive: true }))
  for (const [echoed, told] of [
    ['warnings', ['bad']],
    ['all', ['good', 'bad']],
  ] as const) {
    const lines: string[] = []
    const path = join(folder, echoed, 'own.log')
    const log = openOwnLog('test', path, logTo(lines, 'info'), echoed)
    log.info('good')
    log.level = 'debug'
    log.debug('small')
    log.warn('bad')
    const written = (await readFile(path, 'utf8')).trim().split('\n')
    t.same(
      written.map(line => JSON.parse(line).msg),
      ['good', 'small', 'bad'],
    )
    t.same(lines, told)
  }
})
