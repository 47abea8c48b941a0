import { wide } from '../src/sim/shapes.ts'
import { testSeeds } from '../src/sim/test-seeds.ts'

testSeeds('a hundred agents', wide, { first: 1, count: 40 })
