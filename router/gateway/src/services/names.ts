/** Prefixes longer than this are never service names (admin router contract, 2). */
const longest = 10

/** A service name in its one normal form: the path's segments reversed and joined by dots. `/group/db` and `db.group` are one. */
export function normalName(name: string): string {
  return name
    .split('/')
    .filter(segment => segment !== '')
    .reverse()
    .join('.')
}

/** A prefix of a path that may be a service's name, and what follows it. */
export interface Candidate {
  /** As it stands in the path, escapes and all, without slashes at its ends. */
  readonly prefix: string
  readonly normal: string
  /** The path after the prefix, with its leading slash; `/` when nothing follows. */
  readonly rest: string
}

/** The candidates of the path behind `/service/`, shortest first. Escaped segments are compared decoded; a bad escape ends them. */
export function* candidates(path: string): Generator<Candidate> {
  const begin = path.search(/[^/]/)
  let normal = ''
  let position = begin
  for (let count = 0; count < longest && position !== -1 && position < path.length; count++) {
    const slash = path.indexOf('/', position)
    const end = slash === -1 ? path.length : slash
    const segment = decoded(path.slice(position, end))
    if (segment === undefined) return
    // An escaped slash makes several names of one segment.
    const name = segment.includes('/') ? normalName(segment) : segment
    normal = normal === '' || name === '' ? `${name}${normal}` : `${name}.${normal}`
    yield { prefix: path.slice(begin, end), normal, rest: path.slice(end) || '/' }
    position = end
    while (path[position] === '/') position += 1
  }
}

function decoded(segment: string): string | undefined {
  if (!segment.includes('%')) return segment
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
