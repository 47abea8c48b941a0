import type { PackageDefinition } from '../render/package.ts'

/** One release, and the repository it is taken from. */
export interface Entry {
  readonly definition: PackageDefinition
  /** The repository's uri. */
  readonly source: string
}

/** A repository's packages, in the order of the list of repositories: the first has the highest priority. */
export interface Source {
  readonly uri: string
  readonly packages: readonly PackageDefinition[]
}

/**
 * All releases of all repositories, merged (catalog contract 2): of each name and version the one of the first repository, there
 * the highest release; ordered by name, then repository, then release from high to low. So the first of a name is its latest.
 */
export class Collection {
  readonly entries: readonly Entry[]
  readonly #byName: ReadonlyMap<string, readonly Entry[]>

  constructor(sources: readonly Source[]) {
    const byName = new Map<string, Entry[]>()
    const taken = new Set<string>()
    for (const { uri, packages } of sources) {
      const newestFirst = [...packages].sort((a, b) => b.releaseVersion - a.releaseVersion)
      for (const definition of newestFirst) {
        // Names have no blanks.
        const release = `${definition.name} ${definition.version}`
        if (taken.has(release)) continue
        taken.add(release)
        const entries = byName.get(definition.name) ?? []
        entries.push({ definition, source: uri })
        byName.set(definition.name, entries)
      }
    }
    const names = [...byName.keys()].sort()
    this.#byName = byName
    this.entries = names.flatMap(name => byName.get(name)!)
  }

  get names(): string[] {
    return [...new Set(this.entries.map(entry => entry.definition.name))]
  }

  /** All versions of a name, the latest first; empty when the name is unknown. */
  versionsOf(name: string): readonly Entry[] {
    return this.#byName.get(name) ?? []
  }

  /** The named version, or the latest; undefined when there is none. */
  find(name: string, version?: string): Entry | undefined {
    const entries = this.versionsOf(name)
    return version === undefined ? entries[0] : entries.find(entry => entry.definition.version === version)
  }
}
