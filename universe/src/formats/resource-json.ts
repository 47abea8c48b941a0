import { dropNulls, type Json } from '../render/json.ts'
import type { PackageResource, PackagingVersion } from '../render/package.ts'
import { type Check, choice, listOf, mapOf, shape, text } from './fields.ts'

const binary = (strict: boolean): Check =>
  shape(
    {
      kind: choice('executable', 'zip'),
      url: text(),
      contentHash: listOf(shape({ algo: choice('sha256'), value: text() }, ['algo', 'value'], strict), 1),
    },
    ['kind', 'url', 'contentHash'],
    strict,
  )

function members(version: PackagingVersion, strict: boolean): Record<string, Check> {
  const platform = shape({ 'x86-64': binary(strict) }, ['x86-64'], strict)
  const resource: Record<string, Check> = {
    assets: shape({ uris: mapOf(text()), container: shape({ docker: mapOf(text()) }, [], strict) }, [], strict),
    images: shape(
      { 'icon-small': text(), 'icon-medium': text(), 'icon-large': text(), screenshots: listOf(text()) },
      [],
      strict,
    ),
  }
  if (version !== '2.0') {
    resource.cli = shape(
      { binaries: shape({ linux: platform, darwin: platform, windows: platform }, [], strict) },
      [],
      strict,
    )
  }
  return resource
}

/** resource.json, checked (catalog contract 1); packaging 2.0 has no command line in it. Throws `FormatProblem`. */
export function readResourceJson(
  value: Json,
  path: string,
  version: PackagingVersion,
  strict: boolean,
): PackageResource {
  const given = dropNulls(value)
  const known = members(version, strict)
  shape(known, [], strict)(given, path)
  return Object.fromEntries(
    Object.entries(given as PackageResource).filter(([name]) => Object.hasOwn(known, name)),
  ) as PackageResource
}

/** Every address a package names: of assets, images and command-line binaries. */
export function resourceUrls(resource: PackageResource | undefined): string[] {
  const urls: string[] = []
  const walk = (value: unknown): void => {
    if (typeof value === 'string') urls.push(value)
    else if (Array.isArray(value)) value.forEach(walk)
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(walk)
  }
  walk(resource?.assets?.uris)
  walk(resource?.images)
  walkBinaries(resource?.cli, url => urls.push(url))
  return urls
}

function walkBinaries(value: unknown, found: (url: string) => void): void {
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'url' && typeof inner === 'string') found(inner)
    else walkBinaries(inner, found)
  }
}
