import { testHundredAgents } from '../src/sim/hundred-agents.ts'

testHundredAgents({ first: 1, count: 100 })
