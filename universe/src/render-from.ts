import { Collection, type Entry } from './catalog/collection.ts'
import { readDirectory } from './formats/directory.ts'
import { CatalogError } from './problems.ts'
import type { JsonObject } from './render/json.ts'
import { renderPackage } from './render/render.ts'

export interface RenderFromRequest {
  /** A repository folder: it holds `repo/packages`, `packages`, or the packages themselves. */
  readonly folder: string
  readonly name: string
  /** The release number; without it the latest. */
  readonly release?: number
  readonly options?: JsonObject
  readonly appId?: string
}

/**
 * Renders a package from a folder, with no cluster: what `meseta package render --from` prints. Write the answer with
 * `stringifyJson` (or `JSON.stringify`): numbers keep their digits. Throws `CatalogError` for what the package or the options
 * lack, and `DirectoryProblem` for a folder that can not be read.
 */
export async function renderFrom(request: RenderFromRequest): Promise<JsonObject> {
  const { folder, name, release, options, appId } = request
  const { packages, skipped } = await readDirectory(folder, { strict: false, only: name })
  const broken = skipped.find(one => release === undefined || one.release === `${name}/${release}`)
  if (broken && (packages.length === 0 || release !== undefined)) {
    throw new CatalogError('JsonDecodingError', {
      typeName: 'package',
      decodingErrorMessage: broken.reason,
      decodeInput: broken.release,
    })
  }
  const { definition, source } = choose(new Collection([{ uri: folder, packages }]), name, release, packages)
  const app = renderPackage({ definition, source, options, appId })
  if (app !== undefined) return app
  throw new CatalogError('ServiceMarathonTemplateNotFound', { packageName: name, packageVersion: definition.version })
}

function choose(
  collection: Collection,
  name: string,
  release: number | undefined,
  packages: readonly Entry['definition'][],
): Entry {
  const latest = collection.find(name)
  if (latest === undefined) throw new CatalogError('PackageNotFound', { packageName: name })
  if (release === undefined) return latest
  // Not from the collection: of releases with the same version it keeps only the highest.
  const definition = packages.find(one => one.releaseVersion === release)
  if (definition) return { definition, source: latest.source }
  throw new CatalogError('VersionNotFound', { packageName: name, packageVersion: `release ${release}` })
}
