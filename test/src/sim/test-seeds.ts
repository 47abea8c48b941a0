import { runSeeds } from '@meseta/common/sim/seeds'
import { SimulationFailure } from '@meseta/common/sim/simulation'
import t from 'tap'
import { runCluster, type Tally } from './scenario.ts'
import { type Shape, shapes } from './shapes.ts'

// A minute or two on a machine of 2 cores; others may run beside it.
const timeout = 580_000

/** Runs seeds of a cluster of this shape as a test. A seed that fails is named, with the command that runs it again. */
export function testSeeds(
  name: string,
  shape: Shape,
  { first, count }: { readonly first: number; readonly count: number },
): void {
  t.setTimeout(590_000)
  t.test(`nothing is lost and nothing given twice: ${name}`, { timeout }, async test => {
    const tally: Tally = { launched: 0, ended: 0, troubles: {} }
    const scenario = async (seed: number) => {
      try {
        return await runCluster(seed, { shape, tally })
      } catch (error) {
        if (error instanceof SimulationFailure) test.comment(`again: ${commandFor(seed, shape)}`)
        throw error
      }
    }
    const { runs, events, time } = await runSeeds(scenario, { first, count })
    const minutes = Math.round(time / 60_000)
    test.comment(`${runs} seeds, ${events} events, ${minutes} simulated minutes, ${tally.launched} tasks`)
    test.equal(runs, count)
    test.ok(tally.launched > (shape.tasks / 2) * runs, 'there was work')
    for (const [trouble, times] of Object.entries(tally.troubles))
      test.ok(times > runs / 2, `${trouble}: ${times} times`)
  })
}

function commandFor(seed: number, shape: Shape): string {
  const name = Object.keys(shapes).find(key => shapes[key] === shape)
  return `node --conditions=meseta-source --import ./scripts/tsx.mjs test/faults/soak.ts ${seed} ${seed} ${name}`
}
