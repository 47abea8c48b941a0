import { CatalogError } from '../problems.ts'
import { isObject, type Json, type JsonObject, JsonProblem, member, parseJson } from './json.ts'
import { label, packageLabels } from './labels.ts'
import { defaultsOf, merge } from './options.ts'
import type { PackageDefinition } from './package.ts'
import { fillTemplate, TemplateProblem } from './template.ts'
import { validateOptions } from './validate.ts'

export interface RenderRequest {
  readonly definition: PackageDefinition
  /** The uri of the repository it comes from. */
  readonly source: string
  /** The user's options, as sent. */
  readonly options?: JsonObject
  readonly appId?: string
}

/** How much of a broken text an error repeats. */
const maxQuoted = 4_000

/**
 * The app (or group) that a package becomes with these options: catalog contract 3, steps 1 to 7. Undefined for a package
 * without a template. Throws `CatalogError`.
 */
export function renderPackage(request: RenderRequest): JsonObject | undefined {
  const { definition } = request
  if (definition.marathon === undefined) return undefined
  const options = resolveOptions(definition, request.options ?? {})
  const template = Buffer.from(definition.marathon.v2AppMustacheTemplate, 'base64').toString('utf8')
  const app = parseApp(fill(template, merge(options, { resource: resourceContext(definition) })))
  return decorate(app, request)
}

/** Defaults under the user's options, validated (steps 1 to 3). Throws `OptionsNotAllowed` and `JsonSchemaMismatch`. */
export function resolveOptions(definition: PackageDefinition, userOptions: JsonObject): JsonObject {
  const options = merge(defaultsOf(definition.config), userOptions)
  // As in Cosmos, no options at all are not validated, even against a schema that requires some.
  if (Object.keys(options).length === 0) return options
  if (definition.config === undefined) throw new CatalogError('OptionsNotAllowed', {})
  const errors = validateOptions(options, definition.config)
  if (errors.length > 0) throw new CatalogError('JsonSchemaMismatch', { errors })
  return options
}

/** The package's resource as a template sees it: its members are there, null when missing, and its command line from 3.0 on. */
function resourceContext(definition: PackageDefinition): JsonObject {
  const { assets = null, images = null, cli = null } = definition.resource ?? {}
  return definition.packagingVersion === '2.0' ? { assets, images } : { assets, images, cli }
}

function fill(template: string, context: JsonObject): string {
  try {
    return fillTemplate(template, context)
  } catch (error) {
    if (!(error instanceof TemplateProblem)) throw error
    throw new CatalogError('JsonParsingError', {
      underlyingType: 'Marathon template',
      parsingErrorMessage: error.message,
      parsingInput: template.slice(0, maxQuoted),
    })
  }
}

function parseApp(text: string): JsonObject {
  let app: Json
  try {
    app = parseJson(text)
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error
    throw new CatalogError('JsonParsingError', {
      underlyingType: 'rendered Marathon template',
      parsingErrorMessage: error.message,
      parsingInput: text.slice(0, maxQuoted),
    })
  }
  if (!isObject(app)) throw new CatalogError('MarathonTemplateMustBeJsonObject', {})
  return app
}

function decorate(app: JsonObject, request: RenderRequest): JsonObject {
  const { definition, source, options = {}, appId } = request
  const labels = { ...templateLabels(app), ...writtenLabels(definition, source, options) }
  const id = appId === undefined ? {} : { id: absoluteId(appId) }
  if (!isGroup(app)) return { ...app, ...id, labels }
  // A group has no labels: each of its apps carries them.
  const { labels: _, ...group } = app
  const groupId = appId ?? member(app, 'id')
  const ours = typeof groupId === 'string' ? { ...labels, [label.group]: absoluteId(groupId) } : labels
  return { ...group, ...id, ...labelled(group, ours) }
}

function writtenLabels(definition: PackageDefinition, source: string, options: JsonObject): Record<string, string> {
  try {
    return packageLabels(definition, source, options)
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error
    const { name, version } = definition
    throw new CatalogError('JsonDecodingError', {
      typeName: 'package definition that a label can hold',
      decodingErrorMessage: error.message,
      decodeInput: `${name} ${version}`,
    })
  }
}

/** Some packages render a group (`apps` and no app of its own): Meseta installs it as one. */
export function isGroup(app: JsonObject): boolean {
  return Array.isArray(member(app, 'apps')) || Array.isArray(member(app, 'groups'))
}

function labelled(group: JsonObject, labels: Record<string, string>): JsonObject {
  const apps = member(group, 'apps')
  const groups = member(group, 'groups')
  const each = (list: Json | undefined, change: (item: JsonObject) => JsonObject) =>
    Array.isArray(list) ? list.map(item => (isObject(item) ? change(item) : item)) : undefined
  const inApps = each(apps, app => ({ ...app, labels: { ...templateLabels(app), ...labels } }))
  const inGroups = each(groups, inner => ({ ...inner, ...labelled(inner, labels) }))
  return { ...(inApps ? { apps: inApps } : {}), ...(inGroups ? { groups: inGroups } : {}) }
}

function templateLabels(app: JsonObject): Record<string, string> {
  const labels = member(app, 'labels') ?? {}
  const wrong = isObject(labels)
    ? Object.entries(labels).find(([, value]) => typeof value !== 'string')?.[0]
    : undefined
  if (isObject(labels) && wrong === undefined) {
    // A template may not say which group goes with its app when that is removed.
    const { [label.group]: _, ...own } = labels as Record<string, string>
    return own
  }
  throw new CatalogError('JsonDecodingError', {
    typeName: 'map of labels',
    decodingErrorMessage: wrong === undefined ? 'labels must be an object' : `labels.${wrong} must be a string`,
    decodeInput: JSON.stringify(labels).slice(0, maxQuoted),
  })
}

/** Marathon's ids begin with a slash. */
export function absoluteId(id: string): string {
  return id.startsWith('/') ? id : `/${id}`
}
