import { fileURLToPath } from 'node:url'
import { isObject, type Json, type JsonObject, member } from '../src/render/json.ts'
import type { Mismatch } from '../src/render/mismatch.ts'
import { defaultsOf, merge } from '../src/render/options.ts'
import { validateOptions } from '../src/render/validate.ts'

/** 52 releases of 30 packages of the Universe, unchanged. */
export const universeFolder = fileURLToPath(new URL('../../test/data/universe', import.meta.url))
/** The built-in catalog. */
export const builtInFolder = fileURLToPath(new URL('../packages', import.meta.url))

function at(value: Json | undefined, pointer: string): Json | undefined {
  return pointer
    .split('/')
    .slice(1)
    .reduce<Json | undefined>((inner, key) => member(inner, key.replaceAll('~1', '/').replaceAll('~0', '~')), value)
}

function wrap(pointer: string, leaf: JsonObject): JsonObject {
  return pointer
    .split('/')
    .slice(1)
    .reduceRight<JsonObject>((inner, key) => ({ [key.replaceAll('~1', '/').replaceAll('~0', '~')]: inner }), leaf)
}

function sample(schema: Json | undefined): Json {
  const values = member(schema, 'enum')
  if (Array.isArray(values)) return values[0] as Json
  const type = member(schema, 'type')
  if (type === 'integer' || type === 'number') return (member(schema, 'minimum') as number) ?? 1
  if (type === 'boolean') return true
  if (type === 'array') return []
  if (type === 'object') return {}
  return 'a1b2'
}

/** Options that mend every failure which the defaults have: what is missing is given a value of its type, and so on. */
export function mendingOptions(config: JsonObject): JsonObject {
  let options: JsonObject = {}
  for (let round = 0; round < 10; round += 1) {
    const failures = validateOptions(merge(defaultsOf(config), options), config)
    if (failures.length === 0) return options
    for (const failure of failures) options = merge(options, mend(failure, config))
  }
  return options
}

function mend(failure: Mismatch, config: JsonObject): JsonObject {
  const { pointer } = failure.instance
  const schema = at(config, failure.schema.pointer)
  if (failure.keyword === 'required') {
    const missing = failure.missing as string[]
    return wrap(
      pointer,
      Object.fromEntries(missing.map(name => [name, sample(member(member(schema, 'properties'), name))])),
    )
  }
  const parts = pointer.split('/')
  const key = parts.pop()!
  return wrap(parts.join('/'), { [key]: isObject(schema) ? sample(schema) : 'a1b2' })
}
