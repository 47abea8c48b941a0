import { runSeeds } from '@meseta/common/sim/seeds'
import t from 'tap'
import { runCluster, type Tally, wide } from './scenario.ts'

// About 190 s for a hundred seeds on a machine of 2 cores; others may run beside it.
const timeout = 590_000

/** Runs seeds of a cluster of a hundred agents as a test; they are many, so that files share them and run side by side. */
export function testHundredAgents(seeds: { readonly first: number; readonly count: number }): void {
  t.setTimeout(timeout)
  t.test(
    `a hundred agents lose nothing and get nothing twice: seeds from ${seeds.first} on`,
    { timeout },
    async test => {
      const tally: Tally = { launched: 0, ended: 0, troubles: {} }
      const { runs, events } = await runSeeds(seed => runCluster(seed, { shape: wide, tally }), seeds)
      test.comment(`${runs} seeds, ${events} events, ${tally.launched} tasks`)
      test.equal(runs, seeds.count)
      test.ok(tally.launched > 300 * runs, 'there was work')
      for (const [trouble, times] of Object.entries(tally.troubles)) test.ok(times > runs, `${trouble}: ${times} times`)
    },
  )
}
