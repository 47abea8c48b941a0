import { HttpError } from '@meseta/common/service/errors'
import { sortNames } from './task-views.ts'

/** A part of a long list that a stream asks for instead of all of it (dashboard contract, 5). */
export interface Window {
  readonly q: string
  /** Empty for the list's own order. */
  readonly sort: string
  readonly from: number
  readonly n: number
}

/** The most rows of a window. */
const mostRows = 500
const mostCharacters = 1_000
const fields = new Set(['q', 'sort', 'from', 'n'])

/** Reads `tasks?q=is:failed&sort=-cpus&from=200&n=100`. Throws a 400 that names what is wrong. */
export function parseWindow(topic: string): Window {
  const text = topic.slice('tasks?'.length)
  if (text.length > mostCharacters) refuse(`is longer than ${mostCharacters} characters`)
  const asked = new URLSearchParams(text)
  const strange = [...asked.keys()].find(name => !fields.has(name))
  if (strange !== undefined) refuse(`has no '${strange.slice(0, 50)}'; it has ${[...fields].join(', ')}`)
  const sort = asked.get('sort') ?? ''
  if (sort !== '' && !sortNames.includes(sort.replace(/^-/, '')))
    refuse(`can not be sorted by '${sort.slice(0, 50)}'; it can by ${sortNames.join(', ')}`)
  return {
    q: asked.get('q') ?? '',
    sort,
    from: numberOf(asked, 'from', 0, Number.MAX_SAFE_INTEGER),
    n: numberOf(asked, 'n', 100, mostRows),
  }
}

function numberOf(asked: URLSearchParams, name: string, otherwise: number, most: number): number {
  const text = asked.get(name)
  if (text === null) return otherwise
  const value = Number(text)
  if (!/^\d{1,15}$/.test(text) || value > most) refuse(`needs a whole number from 0 to ${most} for '${name}'`)
  return value
}

function refuse(why: string): never {
  throw new HttpError(400, `the window of tasks ${why}`)
}
