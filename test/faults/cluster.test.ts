import { failingSeed, runSeeds } from '@meseta/common/sim/seeds'
import t from 'tap'
import type { Sabotage } from '../src/sim/sabotage.ts'
import { runCluster } from '../src/sim/scenario.ts'
import { dense, small } from '../src/sim/shapes.ts'
import { testSeeds } from '../src/sim/test-seeds.ts'

testSeeds('a few agents, where each trouble meets what all others left', dense, { first: 1, count: 60 })

/** Each safeguard is needed: without it some seed breaks, and says how. */
const sabotages: readonly (readonly [string, Sabotage, RegExp])[] = [
  ['acknowledgements are dropped', { dropsAcknowledgements: true }, /the master \[|has \d+ containers/],
  ['an update is shown once and never again', { showsUpdatesOnce: true }, /the master \[|has \d+ containers/],
  ['epochs are forgotten', { forgetsEpochs: true }, /no resource is given twice|masters lead|it was promised to be/],
  ['writes of the registry are lost', { losesWrites: true }, /it was promised to be|the registry has/],
  ['ends of operations are not acknowledged', { dropsOperationAcknowledgements: true }, /operations/],
  ['quotas are ignored', { ignoresQuotas: true }, /cpus of at most/],
  ['blindness is ignored', { ignoresBlindness: true }, /while it does not hear itself|while the bus is away/],
]
const seeds = { first: 1, count: 200 }
for (const [name, sabotage, expected] of sabotages)
  t.test(`it is noticed when ${name}`, async test => {
    const run = (seed: number) => runCluster(seed, { shape: small, sabotage })
    const failure = await failingSeed(run, seeds)
    test.match(failure?.what, expected, `seed ${failure?.seed}: ${failure?.what}`)
    const again = await failingSeed(run, { first: failure?.seed ?? 0, count: 1 })
    test.equal(again?.message, failure?.message, 'the same seed fails the same way')
  })

t.test('an unharmed cluster with the same seeds is not suspected', async test => {
  const { runs } = await runSeeds(seed => runCluster(seed, { shape: small }), { first: 1, count: 20 })
  test.equal(runs, 20)
})
