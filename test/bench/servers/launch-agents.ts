import { openBus } from '@meseta/common/messaging/open'
import { systemClock } from '@meseta/common/service/clock'
import { systemRandom } from '@meseta/common/service/random'
import { log } from '../support/component.ts'
import { shared } from '../support/shared-bus.ts'
import { startSimulatedAgent } from '../support/simulated-agents.ts'
import { answerUsage } from '../support/usage.ts'

// Simulated agents on one connection to the bus, whose tasks run for ever or about `meanSeconds`. Tells when all are registered.

/** What a task's name says (`10000 ms`), else milliseconds by the normal distribution with a third of the mean as its deviation; at least 1 s. */
const normal = (mean: number) => (name: string) => {
  if (/^\d+ ms$/.test(name)) return Number.parseInt(name, 10)
  const spread = Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random())
  return Math.max(1, mean + (mean / 3) * spread) * 1000
}

const [, , busUrl = '', count = '1000', resources, meanSeconds] = process.argv
const bus = shared(await openBus(busUrl, { clock: systemClock, random: systemRandom, log }))
const agents = Array.from({ length: Number(count) }, (_, index) =>
  startSimulatedAgent({
    bus,
    cluster: 'bench',
    index,
    log,
    resources,
    lifetime: meanSeconds ? normal(Number(meanSeconds)) : undefined,
  }),
)
while (agents.some(({ id }) => id === undefined)) await new Promise(resolve => setTimeout(resolve, 50))
answerUsage()
process.send?.(agents.length)

// It ends with the benchmark that started it.
process.once('disconnect', () => process.exit(0))
