import type { Test } from 'tap'
import type { Candidacy, Election, Member } from '../../src/coordination/election.ts'
import { until } from '../support/until.ts'
import { bytes, codeOf, text } from './store-suite.ts'

/** Two candidates' elections on the same servers (they may be one object), and how the first one's session ends. */
export interface ElectionUnderTest {
  readonly a: Election
  readonly b: Election
  /** Ends the session of `a`, when it has one of its own. */
  endA?(): Promise<void>
  stop(): Promise<void>
}

const isElected = (candidacy: Candidacy): (() => boolean) => {
  let elected = false
  void candidacy.elected.then(() => {
    elected = true
  })
  return () => elected
}

/** Everything that an Election promises. */
export async function electionSuite(t: Test, open: () => Promise<ElectionUnderTest>): Promise<void> {
  const { a, b, endA, stop } = await open()

  await t.test('the first candidate leads; the next follows when it withdraws', async t => {
    const first = await a.contend('/e1', 'info_', bytes('first'))
    const second = await b.contend('/e1', 'info_', bytes('second'))
    const third = await a.contend('/e1', 'info_', bytes('third'))
    await first.elected
    const secondLeads = isElected(second)
    const thirdLeads = isElected(third)
    await third.withdraw()
    t.equal(await third.ended, 'withdrawn')
    await first.withdraw()
    await second.elected
    t.ok(secondLeads())
    t.notOk(thirdLeads())
    await second.withdraw()
  })

  await t.test('a watcher hears of all candidates, in order, with what they say', async t => {
    const heard: string[] = []
    let sequences: number[] = []
    const off = b.watch('/e2', 'json.info_', (members: readonly Member[]) => {
      heard.push(members.map(({ data }) => text(data)).join())
      sequences = members.map(({ sequence }) => sequence)
    })
    await until('it is told at once', () => heard.length > 0)
    t.equal(heard.at(-1), '')
    const x = await a.contend('/e2', 'json.info_', bytes('x'))
    const y = await b.contend('/e2', 'json.info_', bytes('y'))
    await until('both are heard of', () => heard.at(-1) === 'x,y')
    t.ok(sequences[0]! < sequences[1]!)
    const [, last] = sequences
    await x.withdraw()
    await until('the rest is heard of', () => heard.at(-1) === 'y')
    const z = await a.contend('/e2', 'json.info_', bytes('z'))
    await until('the new one is heard of', () => heard.at(-1) === 'y,z')
    t.ok(sequences[1]! > last!, 'numbers grow')
    off()
    const before = heard.length
    await y.withdraw()
    await z.withdraw()
    t.equal(heard.length, before, 'nothing after the watch was ended')
  })

  await t.test('elections of other folders and labels are apart', async t => {
    const candidates = await Promise.all([
      a.contend('/e3', 'one_', bytes('')),
      a.contend('/e3', 'two_', bytes('')),
      a.contend('/e3/deeper', 'one_', bytes('')),
      a.contend('/', 'e3_', bytes('')),
    ])
    await Promise.all(candidates.map(({ elected }) => elected))
    await Promise.all(candidates.map(candidate => candidate.withdraw()))
    t.pass('all were elected')
  })

  await t.test('bad folders and labels are refused', async t => {
    for (const [path, label] of [
      ['x', 'l_'],
      ['/e4', 'a/b'],
      ['/e4/../x', 'l_'],
      ['/e4', `${'l'.repeat(2_000)}`],
    ] as const)
      t.equal(await codeOf(a.contend(path, label, bytes(''))), 'INVALID')
  })

  if (endA) {
    await t.test('the end of a session ends its candidacies, and the next leads', async t => {
      const first = await a.contend('/e5', 'info_', bytes('first'))
      await first.elected
      const second = await b.contend('/e5', 'info_', bytes('second'))
      await endA()
      t.match(await first.ended, /./)
      await second.elected
      t.equal(await codeOf(a.contend('/e5', 'info_', bytes('late'))), 'LOST')
      await first.withdraw()
      await second.withdraw()
    })
  }
  await stop()
}
