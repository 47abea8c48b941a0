import { dropNulls, isObject, type Json, type JsonObject, member } from '../render/json.ts'
import type { PackagingVersion } from '../render/package.ts'
import { type Check, choice, FormatProblem, flag, listOf, number, shape, text } from './fields.ts'

export const packagingVersions: readonly PackagingVersion[] = ['2.0', '3.0', '4.0', '5.0']

const namePattern = /^[a-z][a-z0-9-]*[a-z0-9]$/
const versionPattern = /^[-a-zA-Z0-9.]+$/
const releasePattern = /^(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))*(?:-.*)?$/

const license = (strict: boolean) =>
  shape({ name: text(), url: text(/^https?:\/\//, 'must begin with http:// or https://') }, ['name', 'url'], strict)

const common = (strict: boolean): Record<string, Check> => ({
  packagingVersion: choice(...packagingVersions),
  name: text(namePattern, 'must be lower-case letters, digits and dashes, as in my-package2'),
  version: text(),
  maintainer: text(),
  description: text(),
  tags: listOf(text(/^[^\s]+$/, 'must be a word without blanks')),
  scm: text(),
  website: text(),
  preInstallNotes: text(),
  postInstallNotes: text(),
  postUninstallNotes: text(),
  framework: flag,
  selected: flag,
  licenses: listOf(license(strict)),
})

const since3: Record<string, Check> = {
  version: text(versionPattern, 'must be letters, digits, dots and dashes'),
  minDcosReleaseVersion: text(releasePattern, 'must be numbers joined by dots, as in 1.10'),
  lastUpdated: number,
  hasKnownIssues: flag,
}
const since4: Record<string, Check> = { upgradesFrom: listOf(text()), downgradesTo: listOf(text()) }
const since5 = (strict: boolean): Record<string, Check> => ({
  manager: shape({ packageName: text(namePattern), minPackageVersion: text() }, ['packageName'], strict),
})

/** The members of package.json in each packaging version (catalog contract 1). */
function membersOf(version: PackagingVersion, strict: boolean): Record<string, Check> {
  const members = common(strict)
  if (version >= '3.0') Object.assign(members, since3)
  if (version >= '4.0') Object.assign(members, since4)
  if (version >= '5.0') Object.assign(members, since5(strict))
  return members
}

const required = ['packagingVersion', 'name', 'version', 'maintainer', 'description', 'tags']

/**
 * The fields of package.json, checked. `strict`, for who writes a package, refuses unknown members; a reader of other people's
 * repositories leaves them out. Throws `FormatProblem`.
 */
export function readPackageJson(value: Json, path: string, strict: boolean): JsonObject {
  const version = packagingVersionOf(value, path)
  const members = membersOf(version, strict)
  const given = dropNulls(value)
  shape(members, required, strict)(given, path)
  return Object.fromEntries(Object.entries(given as JsonObject).filter(([name]) => Object.hasOwn(members, name)))
}

function packagingVersionOf(value: Json, path: string): PackagingVersion {
  if (!isObject(value)) throw new FormatProblem(path, 'must be an object')
  const version = member(value, 'packagingVersion')
  const known = packagingVersions.find(candidate => candidate === version)
  if (known === undefined) {
    throw new FormatProblem(`${path}.packagingVersion`, `must be one of ${packagingVersions.join(', ')}`)
  }
  return known
}
