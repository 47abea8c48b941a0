// Between a message and JSON (Mesos contract 1.4).
import type { BadMessage } from './errors.ts'
import type { Place } from './place.ts'
import { described } from './scalars.ts'
import type { FieldPlan, MessagePlan } from './schema.ts'

export type Fields = Record<string, unknown>

/** Maps have keys that users choose; without a prototype none of them means anything special. */
export const emptyMap = (): Fields => Object.create(null) as Fields

/** The checked message in a JSON value. Throws BadMessage. */
export function messageFromJson(plan: MessagePlan, value: unknown, place: Place): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw place.refusal(`must be an object, not ${described(value)}`)
  place.descend()
  const message: Fields = {}
  let required = 0
  for (const key of Object.keys(value)) {
    const field = plan.byName.get(key)
    const given = (value as Fields)[key]
    if (field === undefined || given === null || given === undefined) continue
    place.enter(key)
    const taken = fieldFromJson(field, given, place)
    place.leave()
    if (taken === undefined) continue
    for (const rival of field.rivals) delete message[rival]
    message[key] = taken
    if (field.rule === 'required') required += 1
  }
  if (required < plan.required.length) throw missing(plan, message, place)
  place.ascend()
  return message
}

/** The refusal of a message that lacks something required. */
export function missing(plan: MessagePlan, message: Fields, place: Place): BadMessage {
  const name = plan.required.find(one => message[one] === undefined || message[one] === null)
  return place.refusal('is required', name)
}

/** undefined: as if it had not been given. */
function fieldFromJson(field: FieldPlan, given: unknown, place: Place): unknown {
  switch (field.rule) {
    case 'repeated':
      return listFromJson(field, Array.isArray(given) ? given : [given], place)
    case 'map':
      return mapFromJson(field, given, place)
    case 'optional':
      return valueFromJson(field, given, place)
    case 'required': {
      const value = valueFromJson(field, given, place)
      if (value === undefined) throw place.refusal(`${described(given)} is not a known value`)
      return value
    }
  }
}

function valueFromJson(field: FieldPlan, given: unknown, place: Place): unknown {
  if (field.message !== undefined) return messageFromJson(field.message, given, place)
  return field.scalar?.fromJson(given, place)
}

function listFromJson(field: FieldPlan, given: unknown[], place: Place): unknown[] | undefined {
  const list: unknown[] = []
  for (let index = 0; index < given.length; index += 1) {
    const one = given[index]
    if (one === null) continue
    place.enter(index)
    const value = valueFromJson(field, one, place)
    place.leave()
    if (value !== undefined) list.push(value)
  }
  return list.length === 0 ? undefined : list
}

function mapFromJson(field: FieldPlan, given: unknown, place: Place): Fields | undefined {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw place.refusal(`must be an object, not ${described(given)}`)
  const map = emptyMap()
  let size = 0
  for (const [key, one] of Object.entries(given)) {
    if (one === null || one === undefined) continue
    place.enter(key)
    if (!key.isWellFormed()) throw place.refusal('is a key with half of a surrogate pair')
    const value = valueFromJson(field, one, place)
    place.leave()
    if (value === undefined) continue
    map[key] = value
    size += 1
  }
  return size === 0 ? undefined : map
}

/** A message as JSON writes it: declared defaults of unset fields filled in, numbers that JSON lacks as text. */
export function messageToJson(plan: MessagePlan, message: Fields): Fields {
  const json: Fields = {}
  for (const name in message) {
    const field = plan.byName.get(name)
    const value = message[name]
    if (field === undefined || value === undefined || value === null) continue
    if (field.rule === 'repeated') {
      const list = value as unknown[]
      if (list.length > 0) json[name] = list.map(one => valueToJson(field, one))
    } else if (field.rule === 'map') json[name] = mapToJson(field, value as Fields)
    else json[name] = valueToJson(field, value)
  }
  for (const [name, written] of plan.defaults) if (json[name] === undefined) json[name] = written
  return json
}

function mapToJson(field: FieldPlan, map: Fields): Fields {
  const json = emptyMap()
  for (const [key, one] of Object.entries(map)) json[key] = valueToJson(field, one)
  return json
}

function valueToJson(field: FieldPlan, value: unknown): unknown {
  if (field.message !== undefined) return messageToJson(field.message, value as Fields)
  return field.scalar?.toJson(value as string)
}
