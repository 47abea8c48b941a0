import { openBus } from '@meseta/common/messaging/open'
import { systemClock } from '@meseta/common/service/clock'
import { systemRandom } from '@meseta/common/service/random'
import { log } from '../support/component.ts'
import { startSimulatedAgent } from '../support/simulated-agents.ts'
import { answerUsage } from '../support/usage.ts'

// Simulated agents on one connection to the bus. Tells when all are registered.
const [, , busUrl = '', count = '1000'] = process.argv
const bus = await openBus(busUrl, { clock: systemClock, random: systemRandom, log })
const agents = Array.from({ length: Number(count) }, (_, index) =>
  startSimulatedAgent({ bus, cluster: 'bench', index, log }),
)
while (agents.some(({ id }) => id === undefined)) await new Promise(resolve => setTimeout(resolve, 50))
answerUsage()
process.send?.(agents.length)

// It ends with the benchmark that started it.
process.once('disconnect', () => process.exit(0))
