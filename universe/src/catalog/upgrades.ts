import type { PackageDefinition } from '../render/package.ts'
import type { Collection } from './collection.ts'

type Installed = Pick<PackageDefinition, 'name' | 'version' | 'downgradesTo'>

const allows = (versions: readonly string[] | undefined, version: string): boolean =>
  versions?.some(allowed => allowed === '*' || allowed === version) ?? false

/** Versions that say they can take over from the installed one, in merged order (catalog contract 5). */
export function upgradesTo(collection: Collection, installed: Installed): string[] {
  return collection
    .versionsOf(installed.name)
    .filter(({ definition }) => allows(definition.upgradesFrom, installed.version))
    .map(({ definition }) => definition.version)
}

/** Versions there are that the installed one says it can go back to, in merged order. */
export function downgradesTo(collection: Collection, installed: Installed): string[] {
  return collection
    .versionsOf(installed.name)
    .filter(({ definition }) => allows(installed.downgradesTo, definition.version))
    .map(({ definition }) => definition.version)
}
