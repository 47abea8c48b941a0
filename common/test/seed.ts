import type { Test } from 'tap'

/** The seed of a randomised test: printed, and taken from MESETA_SEED to repeat a run. */
export function seedOf(t: Pick<Test, 'comment'>): number {
  const given = process.env.MESETA_SEED
  const seed = given === undefined ? Date.now() % 2 ** 31 : Number(given)
  t.comment(`MESETA_SEED=${seed}`)
  return seed
}
