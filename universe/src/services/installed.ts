import type { JsonObject } from '../render/json.ts'
import { member } from '../render/json.ts'
import { definitionOf, groupOf, label, optionsOf } from '../render/labels.ts'
import type { PackageDefinition } from '../render/package.ts'
import type { MarathonApp } from './marathon.ts'

/** One installation of a package: an app, or a group whose apps all carry its labels. */
export interface Installation {
  /** The id by which it was installed and is removed. */
  readonly id: string
  readonly kind: 'apps' | 'groups'
  readonly packageName: string
  readonly packageVersion: string | undefined
  readonly source: string | undefined
  /** As stored in the labels; undefined when it can not be decoded. */
  readonly definition: JsonObject | undefined
  readonly options: JsonObject | undefined
  readonly app: MarathonApp
}

export function toInstallation(app: MarathonApp): Installation {
  const { labels } = app
  const group = groupAround(app)
  let read: { definition: JsonObject | undefined } | undefined
  // Unpacking costs far more than all else, and most who look at an app do not need it.
  const definition = () => {
    read ??= { definition: definitionOf(labels) }
    return read.definition
  }
  const version = labels[label.version] ?? member(definition(), 'version')
  return {
    id: group ?? app.id,
    kind: group === undefined ? 'apps' : 'groups',
    packageName: labels[label.name] ?? '',
    packageVersion: typeof version === 'string' ? version : undefined,
    source: labels[label.source],
    get definition() {
      return definition()
    },
    get options() {
      return optionsOf(labels)
    },
    app,
  }
}

/** The group an app was installed with, if the app is in it: a label alone does not make a group ours to delete. */
function groupAround(app: MarathonApp): string | undefined {
  const group = groupOf(app.labels)
  return group !== undefined && group !== '/' && app.id.startsWith(`${group}/`) ? group : undefined
}

/** The installations among these apps: a group's apps are one. */
export function installations(apps: readonly MarathonApp[]): Installation[] {
  const byId = new Map<string, Installation>()
  for (const app of apps) {
    const found = toInstallation(app)
    if (!byId.has(found.id)) byId.set(found.id, found)
  }
  return [...byId.values()]
}

const informed = [
  'packagingVersion',
  'name',
  'version',
  'maintainer',
  'description',
  'tags',
  'scm',
  'website',
  'preInstallNotes',
  'postInstallNotes',
  'postUninstallNotes',
  'licenses',
]

/** What `list` says of an installation (catalog contract 5): its description, and its resource without the command line. */
export function informationOf(definition: JsonObject): {
  packageDefinition: JsonObject
  resourceDefinition?: JsonObject
} {
  const fields = informed.map(name => [name, member(definition, name)])
  const packageDefinition = {
    ...Object.fromEntries(fields),
    selected: member(definition, 'selected') ?? false,
    framework: member(definition, 'framework') ?? false,
  }
  const { assets, images } = (definition as PackageDefinition).resource ?? {}
  if (assets === undefined && images === undefined) return { packageDefinition }
  return { packageDefinition, resourceDefinition: { assets, images } as JsonObject }
}
