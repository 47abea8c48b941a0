import { testHundredAgents } from '../src/sim/hundred-agents.ts'

testHundredAgents({ first: 101, count: 100 })
