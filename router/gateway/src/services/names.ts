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

/** The candidates of the path behind `/service/`, shortest first. Escaped segments are compared decoded; a bad escape ends the list. */
export function candidates(path: string): Candidate[] {
  const found: Candidate[] = []
  const segments: string[] = []
  let position = 0
  while (position < path.length && segments.length < longest) {
    while (path[position] === '/') position += 1
    if (position >= path.length) break
    const slash = path.indexOf('/', position)
    const end = slash === -1 ? path.length : slash
    const segment = decoded(path.slice(position, end))
    if (segment === undefined) break
    segments.push(segment)
    const rest = path.slice(end)
    found.push({
      prefix: path.slice(0, end).replace(/^\/+/, ''),
      normal: normalName(segments.join('/')),
      rest: rest || '/',
    })
    position = end
  }
  return found
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
