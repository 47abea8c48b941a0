import { runSeeds } from '@meseta/common/sim/seeds'
import { runCluster, type Tally } from '../src/sim/scenario.ts'
import { shapes } from '../src/sim/shapes.ts'

/** More seeds than the tests run, or one that failed again. Prints what was run; a failing seed ends it with its story. */
const [first = 1, last = first] = process.argv.slice(2, 4).map(Number)
const shape = shapes[process.argv[4] ?? 'dense']
if (!shape || !(first >= 0 && last >= first)) {
  const names = Object.keys(shapes).join('|')
  process.stderr.write(`usage: soak.ts <first seed> <last seed> [${names}], whole numbers from 0 on\n`)
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
