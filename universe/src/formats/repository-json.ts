import { type Json, member, parseJson, textOf } from '../render/json.ts'
import type { PackageDefinition } from '../render/package.ts'
import { FormatProblem } from './fields.ts'
import { readServedRelease } from './release.ts'

/** A release that could not be read: the rest of its repository can. */
export interface Skipped {
  readonly release: string
  readonly reason: string
}

/** What a repository holds. */
export interface Contents {
  readonly packages: readonly PackageDefinition[]
  readonly skipped: readonly Skipped[]
}

/** The largest catalog known has some 1,300 releases. */
export const maxReleases = 20_000
/** The whole Universe has some million members and elements. Each costs a hundred times its text in memory. */
const maxParts = 4_000_000

/**
 * `{"packages":[…]}` of version v3, v4 or v5 (catalog contract 2). Releases that can not be read are left out and named.
 * Throws `JsonProblem` for what is not JSON and `FormatProblem` for what is no repository.
 */
export function readRepositoryJson(text: string): Contents {
  checkParts(text)
  const packages = member(parseJson(text), 'packages')
  if (!Array.isArray(packages)) throw new FormatProblem('packages', 'must be a list')
  if (packages.length > maxReleases)
    throw new FormatProblem('packages', `must not have more than ${maxReleases} elements`)
  return collect(packages.map(value => ({ release: nameOf(value), read: () => readServedRelease(value) })))
}

/** Counts what begins a part, also where it stands in a text: a scan that costs nothing beside reading. */
function checkParts(text: string): void {
  let parts = 0
  for (const sign of [',', '{', '['])
    for (let at = text.indexOf(sign); at >= 0; at = text.indexOf(sign, at + 1)) {
      parts += 1
      if (parts > maxParts) throw new FormatProblem('repository', `has more than ${maxParts} parts`)
    }
}

export function collect(
  releases: readonly { readonly release: string; readonly read: () => PackageDefinition }[],
): Contents {
  const packages: PackageDefinition[] = []
  const skipped: Skipped[] = []
  for (const { release, read } of releases) {
    try {
      packages.push(read())
    } catch (error) {
      if (!(error instanceof FormatProblem)) throw error
      skipped.push({ release, reason: error.message })
    }
  }
  return { packages, skipped }
}

function nameOf(value: Json): string {
  return `${textOf(member(value, 'name'))} ${textOf(member(value, 'releaseVersion'))}`.slice(0, 200)
}
