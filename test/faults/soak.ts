import { runSeeds } from '@meseta/common/sim/seeds'
import { dense, runCluster, type Tally, wide } from '../src/sim/scenario.ts'

/** More seeds than the tests run: `soak.ts <first seed> <last seed> [wide]`. Prints what was run; a failing seed ends it with its story. */
const [first = 1, last = first] = process.argv.slice(2, 4).map(Number)
const shape = process.argv[4] === 'wide' ? wide : dense
if (!(first >= 0 && last >= first)) {
  process.stderr.write('usage: soak.ts <first seed> <last seed> [wide], whole numbers from 0 on\n')
  process.exit(2)
}
const tally: Tally = { launched: 0, ended: 0, troubles: {} }
const { runs, events, time } = await runSeeds(seed => runCluster(seed, { shape, tally }), {
  first,
  count: last - first + 1,
})
process.stdout.write(
  `${runs} seeds, ${events} events, ${Math.round(time / 60_000)} simulated minutes; ` +
    `${tally.launched} tasks launched, ${tally.ended} ended\n${JSON.stringify(tally.troubles)}\n`,
)
