import { small } from '../src/sim/shapes.ts'
import { testSeeds } from '../src/sim/test-seeds.ts'

testSeeds('a thousand small clusters', small, { first: 1, count: 1_000 })
