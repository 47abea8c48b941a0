import { CoordinationUrlError, openCoordination } from '@meseta/common/coordination/open'
import { StoreError } from '@meseta/common/coordination/store'
import { systemClock } from '@meseta/common/service/clock'
import { Health } from '@meseta/common/service/health'
import { createLogger } from '@meseta/common/service/logger'
import { systemRandom } from '@meseta/common/service/random'
import t, { type Test } from 'tap'
import { type MasterSourceOptions, type Masters, masterSource } from '../src/shell/master-source.ts'
import { newServers } from './support/process.ts'

const masterInfo = (port: number): Uint8Array => Buffer.from(JSON.stringify({ address: { ip: '10.0.0.1', port } }))

function options(t: Test, more: Partial<MasterSourceOptions> = {}): MasterSourceOptions {
  const log = createLogger({ name: 'masters', level: 'silent' })
  const fatal = (error: Error): void => void t.fail(error.message)
  return { clock: systemClock, random: systemRandom, log, fatal, health: new Health(), ...more }
}

async function leads(masters: Masters, url: string): Promise<void> {
  while (masters.candidates()[0] !== url) {
    const { promise, resolve } = Promise.withResolvers<void>()
    const off = masters.onChange(resolve)
    await promise
    off()
  }
}

t.test('the leader of the masters is followed beyond the end of the session in which it was found', async t => {
  const servers = newServers()
  const opened: string[] = []
  const sessions: ReturnType<typeof servers.connect>[] = []
  const open: typeof openCoordination = async url => {
    opened.push(url)
    if (opened.length === 2) throw new StoreError('UNAVAILABLE', '/', 'not yet')
    sessions.push(servers.connect())
    return sessions.at(-1) as (typeof sessions)[number]
  }
  const first = await servers.connect().election.contend('/mesos', 'json.info_', masterInfo(5050))
  const health = new Health()
  const masters = masterSource('zk://u:p@a:2181,b:2181,c:2181/x/mesos/', options(t, { open, health }))
  t.teardown(() => masters.close())
  t.same(masters.candidates(), [], 'nobody waits for it')
  await leads(masters, 'http://10.0.0.1:5050')
  t.equal(opened[0], 'zk://u:p@a:2181,b:2181,c:2181/x')

  let changes = 0
  masters.onChange(() => {
    changes += 1
  })
  sessions[0]?.expire()
  t.same(masters.candidates(), ['http://10.0.0.1:5050'], 'what was known stays so')
  t.match(health.report(), { status: 'degraded' })
  const second = await servers.connect().election.contend('/mesos', 'json.info_', masterInfo(5051))
  await first.withdraw()
  await second.elected
  await leads(masters, 'http://10.0.0.1:5051')
  t.equal(changes, 1)
  t.match(health.report(), { status: 'ok' })
})

t.test('an address that can never do ends the process; one without a folder is refused at once', async t => {
  const fatal = Promise.withResolvers<Error>()
  const masters = masterSource('zk://nowhere/mesos', options(t, { open: openCoordination, fatal: fatal.resolve }))
  t.ok((await fatal.promise) instanceof CoordinationUrlError)
  await masters.close()
  t.throws(() => masterSource('zk://a:2181', options(t)), /names no folder/)
  t.throws(() => masterSource('zk://a:2181/', options(t)), /names no folder/)
})
