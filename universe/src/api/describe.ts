import { CatalogError } from '../problems.ts'
import type { JsonObject } from '../render/json.ts'
import type { PackageDefinition } from '../render/package.ts'
import { rewriteDefinition } from './rewrite.ts'

/** A package as `describe` answers it: in v3 within `package`, in v2 flat, for packages that v2 knows (catalog contract 5). */
export function describePackage(definition: PackageDefinition, origin: string, version: string): JsonObject {
  const rewritten = rewriteDefinition(definition, origin)
  if (version !== 'v2') return { package: rewritten }
  const changes = (definition.upgradesFrom?.length ?? 0) + (definition.downgradesTo?.length ?? 0)
  if (definition.packagingVersion === '5.0' || (definition.packagingVersion === '4.0' && changes > 0)) {
    throw new CatalogError('ConversionFromPackageToV2DescribeResponse', {})
  }
  return { ...rewritten, framework: definition.framework ?? false, selected: definition.selected ?? false }
}
