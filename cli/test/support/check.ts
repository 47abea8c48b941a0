import type { Test } from 'tap'
import { meseta, type Ran } from './command.ts'
import type { ScriptedRouter } from './router.ts'

/** Runs jobs three at a time: each is a process. */
async function all<Row>(rows: readonly Row[], run: (row: Row) => Promise<void>): Promise<void> {
  const left = [...rows]
  const work = async () => {
    for (let row = left.shift(); row !== undefined; row = left.shift()) await run(row)
  }
  await Promise.all([work(), work(), work()])
}

/** A command line, and what comes of it; a text is exact, an object is the JSON on stdout. */
export interface Case {
  readonly args: string
  readonly code?: number
  readonly stdout?: string | RegExp | object
  readonly stderr?: string | RegExp
  readonly input?: string
}

export const check = (t: Test, { args, code = 0, stdout = '', stderr = '' }: Case, ran: Ran): void => {
  const all = JSON.stringify(ran)
  t.equal(ran.code, code, `${args}: exit ${code} ${ran.code === code ? '' : all}`)
  if (typeof stdout === 'string') t.equal(ran.stdout, stdout, `${args}: stdout`)
  else if (stdout instanceof RegExp) t.match(ran.stdout, stdout, `${args}: stdout`)
  else t.same(JSON.parse(ran.stdout || 'null'), stdout, `${args}: stdout`)
  if (typeof stderr === 'string') t.equal(ran.stderr, stderr, `${args}: stderr`)
  else t.match(ran.stderr, stderr, `${args}: stderr`)
}

/** Runs each command line against the router. */
export async function checkAll(t: Test, router: ScriptedRouter, cases: readonly Case[]): Promise<void> {
  await all(cases, async one => {
    const words = one.args.split(' ').filter(word => word !== '')
    const ran = await meseta(words, {
      env: { MESETA_CLUSTER: router.url },
      ...(one.input === undefined ? {} : { input: one.input }),
    })
    check(t, one, ran)
  })
}
