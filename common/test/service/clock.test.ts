import { mock } from 'node:test'
import t from 'tap'
import { type Clock, systemClock } from '../../src/service/clock.ts'
import { Simulation } from '../../src/sim/simulation.ts'

const hour = 3_600_000
const day = 24 * hour

interface Days {
  readonly clock: Clock
  /** Lets so many days pass. */
  pass(days: number): Promise<unknown> | undefined
  end(): void
}

/** The system's clock over timers that a test moves; these, as the real ones, know no delay over 2^31-1 ms. */
function systemDays(): Days {
  mock.timers.enable({ apis: ['setTimeout'] })
  const mocked = globalThis.setTimeout
  const limited = (action: () => void, delay: number, ...given: []) =>
    mocked(action, delay > 2 ** 31 - 1 ? 1 : delay, ...given)
  globalThis.setTimeout = limited as typeof mocked
  return {
    clock: systemClock,
    // Hour by hour: what is started within a tick counts from its end.
    pass: days => {
      for (let hours = 0; hours < days * 24; hours += 1) mock.timers.tick(hour)
      return undefined
    },
    end: () => mock.timers.reset(),
  }
}

function simulatedDays(): Days {
  const simulation = new Simulation({ seed: 1 })
  return {
    clock: simulation.process('p').clock(),
    pass: days => simulation.run({ until: simulation.time + days * day, guard: false }),
    end: () => {},
  }
}

for (const [name, start] of [
  ['the system', systemDays],
  ['the simulation', simulatedDays],
] as const)
  t.test(`${name}: delays and intervals of months are kept, and can be cancelled at any time`, async t => {
    const { clock, pass, end } = start()
    t.teardown(end)
    const happened: string[] = []
    clock.after(60 * day, () => happened.push('after'))
    const monthly = clock.every(30 * day, () => happened.push('every'))
    const never = clock.after(90 * day, () => happened.push('cancelled'))
    await pass(29)
    t.same(happened, [])
    await pass(2)
    t.same(happened, ['every'])
    never.cancel()
    await pass(28)
    t.same(happened, ['every'])
    await pass(2)
    t.same(happened.toSorted(), ['after', 'every', 'every'])
    monthly.cancel()
    await pass(100)
    t.equal(happened.length, 3)
  })

for (const [name, start] of [
  ['the system', systemDays],
  ['the simulation', simulatedDays],
] as const)
  t.test(
    `${name}: an interval that is cancelled by its own action ends; a delay that is no number of ms is refused`,
    async t => {
      const { clock, pass, end } = start()
      t.teardown(end)
      let count = 0
      for (const interval of [day, 30 * day]) {
        const timer = clock.every(interval, () => {
          count += 1
          timer.cancel()
        })
      }
      await pass(100)
      t.equal(count, 2)
      for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY]) {
        t.throws(() => clock.after(wrong, () => {}), RangeError)
        t.throws(() => clock.every(wrong, () => {}), RangeError)
      }
    },
  )
