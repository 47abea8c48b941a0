import { type Problems, Refusal } from './errors.ts'

/** A service's or group's id as people write it: `/a/b`; the root group is `/`. */
export type PathId = string

const segment = /^(([a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9])\.)*([a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9])$/

const reserved = new Set(['restart', 'tasks', 'versions', '.', '..'])

/** With what Marathon appends (`.instance-<uuid>.<container>.<n>`) a task id stays a file name of at most 255 bytes. */
export const maxIdLength = 150

/** The absolute, normal form of an id relative to `base`: `.`, `..` and superfluous slashes resolved. */
export function resolvePath(id: string, base: PathId = '/'): PathId {
  const from = id.startsWith('/') ? id : `${base}/${id}`
  const kept: string[] = []
  for (const part of from.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..') kept.pop()
    else kept.push(part)
  }
  return `/${kept.join('/')}`
}

/** The absolute form of the id of an app, pod or group as somebody wrote it. Unlike a reference, it may not climb: `.` and `..` are refused. */
export function resolveId(id: string, base: PathId = '/'): PathId {
  const climbs = id.split('/').find(part => part === '.' || part === '..')
  if (climbs !== undefined)
    throw new Refusal(422, 'Object is not valid', {
      details: [
        {
          path: '/id',
          errors: [`must fully match regular expression '${segment.source}'; this segment does not: ${climbs}`],
        },
      ],
    })
  return resolvePath(id, base)
}

export const segmentsOf = (id: PathId): string[] => id.split('/').filter(part => part !== '')

export const parentOf = (id: PathId): PathId => resolvePath('..', id === '/' ? '/' : id)

/** Whether `id` is below `group` (not the group itself). */
export const isBelow = (id: PathId, group: PathId): boolean =>
  id !== group && (group === '/' || id.startsWith(`${group}/`))

/** The groups above an id, outermost first, without the root and the id itself. */
export function ancestorsOf(id: PathId): PathId[] {
  const parts = segmentsOf(id)
  return parts.slice(0, -1).map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)
}

/** `/a/b` as it stands in task ids and record names: `a_b` (`_` occurs in no id). */
export const safePath = (id: PathId): string => segmentsOf(id).join('_')

export const fromSafePath = (safe: string): PathId => `/${safe.split('_').join('/')}`

/** `/a/b/c` as the name of a task: `c.b.a` (contract 10). */
export const taskName = (id: PathId): string => segmentsOf(id).reverse().join('.')

/** Notes what the rules for ids forbid (contract 3). */
export function checkServiceId(id: PathId, path: string, problems: Problems): void {
  checkGroupId(id, path, problems)
  const last = segmentsOf(id).at(-1)
  if (last === undefined) problems.add(path, 'must not be the root path')
  else if (reserved.has(last)) problems.add(path, `must not end with a reserved word: ${last}`)
}

export function checkGroupId(id: PathId, path: string, problems: Problems): void {
  if (id.length > maxIdLength) {
    problems.add(path, `must not be longer than ${maxIdLength} characters`)
    return
  }
  for (const part of segmentsOf(id)) {
    if (!segment.test(part)) {
      problems.add(path, `must fully match regular expression '${segment.source}'; this segment does not: ${part}`)
      return
    }
  }
}
