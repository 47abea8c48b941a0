import { isObject, type Json, type JsonObject, member } from '../render/json.ts'
import type { PackageResource } from '../render/package.ts'

/** The address under which the resource proxy serves another address. An empty origin gives one relative to the host. */
export function proxied(origin: string, url: string): string {
  return `${origin}/package/resource?url=${encodeURIComponent(url)}`
}

/**
 * The resource with every image, asset and command-line address led through the proxy (catalog contract 4, "URL rewriting").
 * Names of container images stay as they are.
 */
export function rewriteResource(resource: PackageResource, origin: string): PackageResource {
  const { assets, images, cli } = resource
  return {
    ...resource,
    ...(assets?.uris
      ? { assets: { ...assets, uris: rewriteTexts(assets.uris, origin) as Record<string, string> } }
      : {}),
    ...(images ? { images: rewriteTexts(images, origin) as JsonObject } : {}),
    ...(cli ? { cli: rewriteUrls(cli, origin) as JsonObject } : {}),
  }
}

/** A definition whose resource is rewritten. */
export function rewriteDefinition<Definition extends JsonObject>(definition: Definition, origin: string): Definition {
  const resource = member(definition, 'resource')
  return isObject(resource)
    ? { ...definition, resource: rewriteResource(resource as PackageResource, origin) }
    : definition
}

export function rewriteImages(images: JsonObject | undefined, origin: string): JsonObject | undefined {
  return images && (rewriteTexts(images, origin) as JsonObject)
}

function rewriteTexts(value: Json, origin: string): Json {
  if (typeof value === 'string') return proxied(origin, value)
  if (Array.isArray(value)) return value.map(item => rewriteTexts(item as Json, origin))
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rewriteTexts(item as Json, origin)]))
}

function rewriteUrls(value: Json, origin: string): Json {
  if (!isObject(value)) return value
  const change = (key: string, item: Json) =>
    key === 'url' && typeof item === 'string' ? proxied(origin, item) : rewriteUrls(item, origin)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, change(key, item as Json)]))
}
