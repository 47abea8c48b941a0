import t from 'tap'
import { type Coordination, type CoordinationOptions, openCoordination } from '../../src/coordination/open.ts'
import { systemClock } from '../../src/service/clock.ts'
import { systemRandom } from '../../src/service/random.ts'
import { quietLog } from '../support/log.ts'
import { realZookeeper, zookeeperSkip } from '../support/zookeeper.ts'
import { electionSuite } from './election-suite.ts'
import { storeSuite } from './store-suite.ts'

const options: CoordinationOptions = { clock: systemClock, random: systemRandom, log: quietLog, sessionTimeout: 4_000 }
const skip = await zookeeperSkip()

t.test('coordination over a real ZooKeeper server', { skip }, async t => {
  const server = await realZookeeper(t.testdir({}))
  t.teardown(() => server.process.stop())
  const open = (path: string, auth = ''): Promise<Coordination> =>
    openCoordination(`zk://${auth}127.0.0.1:${server.clientPort}${path}`, options)

  await t.test('the store', async t => {
    await storeSuite(t, async () => {
      const { store, close } = await open('/suite/store')
      return { store, stop: close }
    })
  })
  await t.test('the election', async t => {
    await electionSuite(t, async () => {
      const [a, b] = [await open('/suite/election'), await open('/suite/election')]
      return { a: a.election, b: b.election, endA: () => a.close(), stop: async () => void (await b.close()) }
    })
  })
})
