import t from 'tap'
import { type Coordination, openCoordination } from '../../src/coordination/open.ts'
import { systemClock } from '../../src/service/clock.ts'
import { systemRandom } from '../../src/service/random.ts'
import { quietLog } from '../support/log.ts'
import { electionSuite } from './election-suite.ts'
import { storeSuite } from './store-suite.ts'

const options = { clock: systemClock, random: systemRandom, log: quietLog }
const open = (folder: string): Promise<Coordination> => openCoordination(`embedded:${folder}`, options)

t.test('the store on this machine', async t => {
  await storeSuite(t, async () => {
    const { store, close } = await open(t.testdir({}))
    return { store, stop: close }
  })
})

t.test('the election on this machine', async t => {
  await electionSuite(t, async () => {
    const { election, close } = await open(t.testdir({}))
    return { a: election, b: election, stop: close }
  })
})
