import { failingSeed, runSeeds } from '@meseta/common/sim/seeds'
import t from 'tap'
import type { Sabotage } from '../src/sim/framework.ts'
import { runCluster, type Tally } from '../src/sim/scenario.ts'

// About 80 s on a machine of 2 cores; others may run beside it.
const timeout = 400_000
t.setTimeout(590_000)

const seeds = { first: 1, count: 200 }

t.test('a whole cluster loses nothing and gives nothing twice, whatever goes wrong', { timeout }, async test => {
  const tally: Tally = { launched: 0, ended: 0, troubles: {} }
  const { runs, events, time } = await runSeeds(seed => runCluster(seed, { tally }), seeds)
  test.comment(
    `${runs} seeds, ${events} events, ${Math.round(time / 60_000)} simulated minutes, ${tally.launched} tasks`,
  )
  test.equal(runs, seeds.count)
  test.ok(tally.launched > 50 * runs, 'there was work')
  for (const [trouble, times] of Object.entries(tally.troubles)) test.ok(times > runs, `${trouble}: ${times} times`)
})

/** Each safeguard is needed: without it some seed breaks, and says how. */
const sabotages: readonly (readonly [string, Sabotage, RegExp])[] = [
  ['acknowledgements are dropped', { dropsAcknowledgements: true }, /the master \[|has \d+ containers/],
  ['an update is shown once and never again', { showsUpdatesOnce: true }, /the master \[|has \d+ containers/],
  ['epochs are forgotten', { forgetsEpochs: true }, /no resource is given twice|masters lead/],
]
for (const [name, sabotage, expected] of sabotages)
  t.test(`it is noticed when ${name}`, { timeout }, async test => {
    const failure = await failingSeed(seed => runCluster(seed, { sabotage }), seeds)
    test.match(failure?.what, expected, `seed ${failure?.seed}: ${failure?.what}`)
    const again = await failingSeed(seed => runCluster(seed, { sabotage }), { first: failure?.seed ?? 0, count: 1 })
    test.equal(again?.message, failure?.message, 'the same seed fails the same way')
  })
