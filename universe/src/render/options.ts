import { isObject, type Json, type JsonObject, member } from './json.ts'

/**
 * The options that a config schema gives by default (catalog contract 3, step 1): a property's `default` is taken whole when the
 * key exists, even null and even beside `properties`; else its `properties` are walked, and kept when something was found.
 */
export function defaultsOf(config: Json | undefined): JsonObject {
  const properties = member(config, 'properties')
  const found: [string, Json][] = []
  for (const [name, property] of isObject(properties) ? Object.entries(properties) : []) {
    if (!isObject(property)) continue
    const given = member(property, 'default')
    if (given !== undefined) found.push([name, given])
    else if (isObject(member(property, 'properties'))) {
      const inner = defaultsOf(property)
      if (Object.keys(inner).length > 0) found.push([name, inner])
    }
  }
  return Object.fromEntries(found)
}

/** Objects merge member by member; anything else of `over` replaces what is below it (step 2). */
export function merge(below: JsonObject, over: JsonObject): JsonObject {
  const merged = new Map(Object.entries(below))
  for (const [key, value] of Object.entries(over)) {
    const old = merged.get(key)
    merged.set(key, isObject(old) && isObject(value) ? merge(old, value) : value)
  }
  return Object.fromEntries(merged)
}
