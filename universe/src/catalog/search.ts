import type { JsonObject } from '../render/json.ts'
import type { Collection, Entry } from './collection.ts'

/** One line of a search: a name with its versions, described by its latest. */
export interface SearchEntry {
  readonly name: string
  readonly currentVersion: string
  /** Release number by version. */
  readonly versions: Readonly<Record<string, number>>
  readonly description: string
  readonly framework: boolean
  readonly tags: readonly string[]
  readonly selected?: boolean
  readonly images?: JsonObject
}

/**
 * Packages whose latest release matches (catalog contract 5, search): without `*` a part of name, description or a tag in any
 * case; with `*` a glob over one of them whole, in exact case. No query matches all. Selected ones first, then by name.
 */
export function search(collection: Collection, query?: string): SearchEntry[] {
  const matches = matcher(query)
  return collection.names
    .map(name => collection.versionsOf(name))
    .filter(entries => matches(entries[0]!))
    .map(searchEntry)
    .sort((a, b) => Number(b.selected ?? false) - Number(a.selected ?? false) || (a.name < b.name ? -1 : 1))
}

export function searchEntry(entries: readonly Entry[]): SearchEntry {
  const { definition } = entries[0]!
  const versions = entries.map(entry => [entry.definition.version, entry.definition.releaseVersion])
  return {
    name: definition.name,
    currentVersion: definition.version,
    versions: Object.fromEntries(versions),
    description: definition.description,
    framework: definition.framework ?? false,
    tags: definition.tags,
    selected: definition.selected,
    images: definition.resource?.images,
  }
}

function matcher(query: string | undefined): (entry: Entry) => boolean {
  if (query === undefined || query === '') return () => true
  const texts = ({ definition }: Entry) => [definition.name, definition.description, ...definition.tags]
  if (query.includes('*')) {
    const parts = query.split('*')
    return entry => texts(entry).some(text => matchesGlob(text, parts))
  }
  const wanted = query.toLowerCase()
  return entry => texts(entry).some(text => text.toLowerCase().includes(wanted))
}

/** Whether the text is the parts in order with anything between them: a scan, since a query is a stranger's. */
function matchesGlob(text: string, parts: readonly string[]): boolean {
  const first = parts[0]!
  const last = parts.at(-1)!
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false
  let from = first.length
  const end = text.length - last.length
  for (const part of parts.slice(1, -1)) {
    const at = text.indexOf(part, from)
    if (at < 0 || at + part.length > end) return false
    from = at + part.length
  }
  return true
}
