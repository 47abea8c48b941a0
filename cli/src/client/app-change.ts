import { Failure } from '../output/failure.ts'
import { didYouMean } from '../output/nearest.ts'
import { assignments } from './options.ts'

type Fields = Readonly<Record<string, unknown>>

/** Fields whose members are named by people, dots and all, and whose values are texts. */
const maps: ReadonlySet<string> = new Set(['env', 'labels'])

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The change that `key=value` words ask of an app. Marathon replaces a field as a whole, so a word for a part of one
 * (`env.COLOR=blue`) takes the rest of it from the app as it is. Pure.
 */
export function changeOf(app: Fields, words: readonly string[]): Record<string, unknown> {
  const change: Record<string, unknown> = {}
  for (const word of words) {
    const [field, name] = /^([^.=]+)\.([^=]+)=/s.exec(word)?.slice(1) ?? []
    if (field !== undefined && !Object.hasOwn(change, field) && Object.hasOwn(app, field) && isObject(app[field]))
      change[field] = structuredClone(app[field])
    if (field === undefined || name === undefined || !maps.has(field)) assignments([word], change)
    else change[field] = withMember(change[field], name, word)
  }
  return change
}

function withMember(map: unknown, name: string, word: string): Record<string, unknown> {
  if (name === '__proto__') throw new Failure(`"${word}" is no assignment`, { exit: 'usage' })
  const text = word.slice(word.indexOf('=') + 1)
  const { value } = assignments([`value=${text}`])
  // `{"secret":"…"}` is the one value of a variable that is no text.
  return { ...(isObject(map) ? map : {}), [name]: isObject(value) ? value : typeof value === 'string' ? value : text }
}

/** Fields that Marathon takes and shows under another name, or shows and takes for nothing. */
const notShown: ReadonlySet<string> = new Set([
  'uris',
  'ports',
  'ipAddress',
  'residency',
  'storeUrls',
  'lastTaskFailure',
  'readinessCheckResults',
  'taskStats',
  'tasksStats',
])

const isNothing = (value: unknown): boolean =>
  value === null || (typeof value === 'object' && Object.keys(value).length === 0)

/** One sentence for each field that was given and that the app, as Marathon has it now, lacks: it ignores what it does not know. Pure. */
export function ignoredFields(given: Fields, app: Fields): string[] {
  return Object.keys(given)
    .filter(name => !Object.hasOwn(app, name) && !notShown.has(name) && !isNothing(given[name]))
    .map(name =>
      [`Marathon knows no field "${name}" and has ignored it.`, didYouMean(name, Object.keys(app))]
        .filter(Boolean)
        .join(' '),
    )
}
