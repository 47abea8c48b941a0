import { decodeJson, encodeJson, packEnvelope, unpackEnvelope } from './envelope.ts'
import { dropNulls, isObject, type Json, type JsonObject, JsonProblem } from './json.ts'
import type { PackageDefinition } from './package.ts'

/** The labels that tie an app to its package (catalog contract 6). */
export const label = {
  name: 'DCOS_PACKAGE_NAME',
  version: 'DCOS_PACKAGE_VERSION',
  source: 'DCOS_PACKAGE_SOURCE',
  options: 'DCOS_PACKAGE_OPTIONS',
  definition: 'DCOS_PACKAGE_DEFINITION',
  /** Ours: on each app of a package that is a group, the group's id. */
  group: 'MESETA_PACKAGE_GROUP',
  /** Written by older releases, still read. */
  metadata: 'DCOS_PACKAGE_METADATA',
  frameworkName: 'DCOS_PACKAGE_FRAMEWORK_NAME',
  commonsUninstall: 'DCOS_COMMONS_UNINSTALL',
  commonsVersion: 'DCOS_COMMONS_API_VERSION',
} as const

const typeVersions = { '2.0': 'v2', '3.0': 'v3', '4.0': 'v4', '5.0': 'v5' } as const

/** The labels written over the template's own. `options` are the user's, as sent. */
export function packageLabels(
  definition: PackageDefinition,
  source: string,
  options: JsonObject,
): Record<string, string> {
  const version = typeVersions[definition.packagingVersion]
  const contentType = `application/vnd.dcos.universe.package+json;charset=utf-8;version=${version}`
  return {
    [label.name]: definition.name,
    [label.version]: definition.version,
    [label.source]: source,
    [label.options]: encodeJson(dropNulls(options)),
    [label.definition]: encodeJson(packEnvelope(contentType, dropNulls(definition))),
  }
}

/** The definition in an app's labels; older apps carry only METADATA. Undefined when neither can be decoded. */
export function definitionOf(labels: Readonly<Record<string, string>>): JsonObject | undefined {
  const stored = labels[label.definition]
  if (stored !== undefined) return attempt(() => unpackEnvelope(decodeJson(stored)).data)
  const metadata = labels[label.metadata]
  return metadata === undefined ? undefined : attempt(() => decodeJson(metadata))
}

/** The user's options in an app's labels, or undefined when none are stored. */
export function optionsOf(labels: Readonly<Record<string, string>>): JsonObject | undefined {
  const stored = labels[label.options]
  return stored === undefined ? undefined : attempt(() => decodeJson(stored))
}

function attempt(read: () => Json): JsonObject | undefined {
  try {
    const value = read()
    return isObject(value) ? value : undefined
  } catch (error) {
    if (error instanceof JsonProblem) return undefined
    throw error
  }
}

/** The id of the group that the app was installed with; undefined for a package that is one app. */
export function groupOf(labels: Readonly<Record<string, string>>): string | undefined {
  return labels[label.group]
}
