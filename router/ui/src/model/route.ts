/** The places of the page, in the order of its menu. */
export const sections = ['overview', 'apps', 'tasks', 'nodes', 'catalog', 'frameworks'] as const

export type Section = (typeof sections)[number]

/** A place of the page: `#/tasks/<item>?q=…&page=2`. */
export interface Route {
  readonly section: Section | undefined
  readonly item: string | undefined
  readonly query: Readonly<Record<string, string>>
}

/** Reads `location.hash`. Nothing is the overview; an unknown section is `undefined`. */
export function parseRoute(hash: string): Route {
  const [path = '', search = ''] = split(hash.replace(/^#\/?/, ''), '?')
  const [name = '', item = ''] = split(path, '/')
  const section = name === '' ? 'overview' : sections.find(known => known === name)
  return {
    section,
    item: item === '' ? undefined : decode(item),
    query: Object.fromEntries(new URLSearchParams(search)),
  }
}

export function formatRoute(
  section: Section,
  item?: string,
  query: Readonly<Record<string, string | undefined>> = {},
): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => (entry[1] ?? '') !== '')
  const search = new URLSearchParams(given).toString()
  return `#/${section}${item === undefined ? '' : `/${encodeURIComponent(item)}`}${search === '' ? '' : `?${search}`}`
}

function split(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
