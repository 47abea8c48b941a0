import { excerpt } from '@meseta/common/protocol/excerpt'
import { type Action, type Authorizer, objectsOf, undivided } from './actions.ts'

/** Whom or what a rule is about: named ones, all, or nobody. */
export type Entity = 'ANY' | 'NONE' | readonly string[]

export interface Rule {
  readonly principals: Entity
  readonly objects: Entity
}

/** Checked rules, as plain data that can be handed to another thread. Actions without a rule go by `permissive`. */
export interface Acls {
  readonly permissive: boolean
  readonly rules: { readonly [Name in Action]?: readonly Rule[] }
}

/** Rules that can not be meant as they are written; the message begins with the path of the field. */
export class AclError extends Error {}

/** A rule at most holds this many names, and an action this many rules: they are looked through at each request. */
const maxNames = 10_000
const maxRules = 1_000

/** Reads ACLs in the JSON form of Mesos (contract 8.2). Throws AclError: a rule that is not understood would be a hole. */
export function readAcls(json: unknown): Acls {
  const fields = objectAt('', json)
  const rules: { [Name in Action]?: readonly Rule[] } = {}
  let permissive = true
  for (const [name, value] of Object.entries(fields)) {
    if (name === 'permissive') permissive = readPermissive(value)
    else if (isAction(name)) rules[name] = readRules(name, value)
    else throw new AclError(`${excerpt(name)}: is no action that can be allowed or denied`)
  }
  return { permissive, rules }
}

const isAction = (name: string): name is Action => Object.hasOwn(objectsOf, name)

function readPermissive(value: unknown): boolean {
  if (typeof value !== 'boolean') throw new AclError('permissive: must be true or false')
  return value
}

function readRules(action: Action, value: unknown): readonly Rule[] {
  if (!Array.isArray(value)) throw new AclError(`${action}: must be a list of rules`)
  if (value.length > maxRules)
    throw new AclError(`${action}: holds ${value.length} rules, and at most ${maxRules} are taken`)
  return value.map((rule, index) => readRule(`${action}[${index}]`, action, rule))
}

function readRule(path: string, action: Action, value: unknown): Rule {
  const kind = objectsOf[action]
  const fields = objectAt(path, value)
  const unknown = Object.keys(fields).find(name => name !== 'principals' && name !== kind)
  if (unknown !== undefined)
    throw new AclError(`${path}.${excerpt(unknown)}: is not known; a rule has principals and ${kind}`)
  const principals = readEntity(`${path}.principals`, fields.principals)
  const objects = readEntity(`${path}.${kind}`, fields[kind])
  if (undivided.has(kind) && typeof objects === 'object')
    throw new AclError(`${path}.${kind}: must be of type ANY or NONE; ${kind} can not be told apart`)
  if (kind === 'roles') checkPatterns(`${path}.${kind}`, objects)
  return { principals, objects }
}

function readEntity(path: string, value: unknown): Entity {
  if (value === undefined) throw new AclError(`${path}: is required`)
  const { type = 'SOME', values = [], ...others } = objectAt(path, value)
  const unknown = Object.keys(others)[0]
  if (unknown !== undefined) throw new AclError(`${path}.${excerpt(unknown)}: is not known; it has type and values`)
  if (type === 'ANY' || type === 'NONE') return type
  if (type !== 'SOME') throw new AclError(`${path}.type: must be ANY, NONE or SOME`)
  if (!Array.isArray(values)) throw new AclError(`${path}.values: must be a list of names`)
  if (values.length === 0) throw new AclError(`${path}: names nobody; give values, or the type ANY or NONE`)
  if (values.length > maxNames)
    throw new AclError(`${path}.values: holds ${values.length} names, and at most ${maxNames} are taken`)
  const wrong = values.findIndex(name => typeof name !== 'string')
  if (wrong >= 0) throw new AclError(`${path}.values[${wrong}]: must be text`)
  return values as string[]
}

/** `eng/%` is all below `eng`. A percent sign anywhere else would look like a pattern, and be none. */
function checkPatterns(path: string, roles: Entity): void {
  if (typeof roles === 'string') return
  for (const [index, role] of roles.entries()) {
    const name = role.endsWith('/%') ? role.slice(0, -2) : role
    if (name === '' || name.includes('%'))
      throw new AclError(
        `${path}.values[${index}]: '${excerpt(role)}' must be a role, or a role and '/%' for all below it`,
      )
  }
}

function objectAt(path: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new AclError(path === '' ? 'must be a JSON object' : `${path}: must be an object`)
}

/** An entity made ready to be asked. */
interface Matcher {
  /** Whether a name is meant; undefined stands for any name, and is not meant by a list of some. */
  matches(name: string | undefined): boolean
  readonly denies: boolean
  readonly isTotal: boolean
}

const total = (denies: boolean): Matcher => ({ matches: () => true, denies, isTotal: true })

function matcherOf(entity: Entity, hasPatterns: boolean): Matcher {
  if (entity === 'ANY' || entity === 'NONE') return total(entity === 'NONE')
  const names = new Set(entity)
  const below = hasPatterns ? entity.filter(name => name.endsWith('/%')).map(name => name.slice(0, -1)) : []
  const matches = (name: string | undefined) =>
    name !== undefined &&
    (names.has(name) || below.some(prefix => name.length > prefix.length && name.startsWith(prefix)))
  return { matches, denies: false, isTotal: false }
}

/**
 * The first rule of an action that matches subject and object decides: NONE in it denies (Mesos contract 8.2). Whoever has not said who it
 * is matches rules about ANY and NONE alone.
 */
export function authorizerOf({ permissive, rules }: Acls): Authorizer {
  const compiled = new Map<Action, readonly { readonly subjects: Matcher; readonly objects: Matcher }[]>()
  for (const [action, list] of Object.entries(rules) as [Action, readonly Rule[]][]) {
    const hasPatterns = objectsOf[action] === 'roles'
    const entries = list.map(({ principals, objects }) => ({
      subjects: matcherOf(principals, false),
      objects: matcherOf(objects, hasPatterns),
    }))
    compiled.set(action, entries)
  }
  return {
    allows(principal, action, object) {
      for (const { subjects, objects } of compiled.get(action) ?? [])
        if (subjects.matches(principal) && objects.matches(object)) return !subjects.denies && !objects.denies
      return permissive
    },
    allowsEvery(principal, action) {
      for (const { subjects, objects } of compiled.get(action) ?? []) {
        if (!subjects.matches(principal)) continue
        if (subjects.denies || objects.denies) return false
        if (objects.isTotal) return true
      }
      return permissive
    },
  }
}
