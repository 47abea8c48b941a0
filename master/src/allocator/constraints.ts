import { excerpt } from '@meseta/common/protocol/excerpt'
import type {
  AgentInfo,
  Attribute,
  SchedulerAttributeConstraint,
  SchedulerAttributeConstraintPredicate,
  SchedulerOfferConstraints,
  SchedulerOfferConstraintsRoleConstraintsGroup,
} from '@meseta/common/protocol/mesos'
import { compilePattern, type PatternLimits } from './patterns.ts'

/** More of them than this, over all roles, no framework may have: each may be looked at for each agent. */
const maxConstraints = 1_000

/** The attribute that a constraint is about: undefined where there is none, without `text` where it is of another type. */
type Found = { readonly text?: string } | undefined
type Test = (agent: AgentInfo) => boolean

/** A framework's offer constraints, ready to be asked (Mesos contract 2.5): AND within a group, OR between groups. */
export class OfferConstraints {
  /** As the framework gave them. */
  readonly message: SchedulerOfferConstraints
  readonly #roles: ReadonlyMap<string, readonly (readonly Test[])[]>

  private constructor(message: SchedulerOfferConstraints, roles: ReadonlyMap<string, readonly (readonly Test[])[]>) {
    this.message = message
    this.#roles = roles
  }

  /** The constraints of a framework that is in these roles, or why they are refused. */
  static compile(
    message: SchedulerOfferConstraints,
    roles: readonly string[],
    limits: PatternLimits,
  ): OfferConstraints | string {
    const entries = Object.entries(message.role_constraints ?? {})
    const all = entries.flatMap(([, { groups = [] }]) => groups.map(group => group.attribute_constraints?.length ?? 0))
    if (all.reduce((sum, count) => sum + count, 0) > maxConstraints)
      return `offer_constraints: holds more than ${maxConstraints} attribute_constraints`
    const compiled = new Map<string, readonly (readonly Test[])[]>()
    for (const [role, { groups = [] }] of entries) {
      const path = `offer_constraints.role_constraints[${excerpt(role)}]`
      if (!roles.includes(role)) return `${path}: is not a role of the framework`
      const tests = compileGroups(groups, limits)
      if (typeof tests === 'string') return `${path}.${tests}`
      compiled.set(role, tests)
    }
    return new OfferConstraints(message, compiled)
  }

  /** Whether there are any for this role. */
  restricts(role: string): boolean {
    return this.#roles.has(role)
  }

  admits(role: string, agent: AgentInfo): boolean {
    return this.#roles.get(role)?.some(group => group.every(test => test(agent))) ?? true
  }
}

function compileGroups(
  groups: readonly SchedulerOfferConstraintsRoleConstraintsGroup[],
  limits: PatternLimits,
): readonly (readonly Test[])[] | string {
  if (groups.length === 0) return 'groups: must not be empty'
  const compiled: Test[][] = []
  for (const { attribute_constraints: constraints = [] } of groups) {
    if (constraints.length === 0) return 'groups: holds a group without attribute_constraints'
    const tests = constraints.map(constraint => compileOne(constraint, limits))
    const reason = tests.find(test => typeof test === 'string')
    if (reason !== undefined) return `groups: ${reason}`
    compiled.push(tests as Test[])
  }
  return compiled
}

function compileOne({ selector, predicate }: SchedulerAttributeConstraint, limits: PatternLimits): Test | string {
  const isPseudo = selector.pseudoattribute_type !== undefined
  if (isPseudo === (selector.attribute_name !== undefined))
    return 'selector: needs exactly one of pseudoattribute_type and attribute_name'
  if (selector.pseudoattribute_type === 'UNKNOWN') return 'selector.pseudoattribute_type: is not known'
  const holds = compilePredicate(predicate, limits)
  return typeof holds === 'string' ? `predicate: ${holds}` : agent => holds(select(selector, agent))
}

/** Text predicates are true for attributes that are no text; the negative ones also for attributes that are missing. */
function compilePredicate(
  predicate: SchedulerAttributeConstraintPredicate,
  limits: PatternLimits,
): ((found: Found) => boolean) | string {
  const { exists, not_exists, text_equals, text_not_equals, text_matches, text_not_matches } = predicate
  const given = [exists, not_exists, text_equals, text_not_equals, text_matches, text_not_matches]
  if (given.filter(value => value !== undefined).length !== 1) return 'needs exactly one predicate'
  if (exists) return found => found !== undefined
  if (not_exists) return found => found === undefined
  const isNegative = (text_not_equals ?? text_not_matches) !== undefined
  const equal = (text_equals ?? text_not_equals)?.value
  const regex = (text_matches ?? text_not_matches)?.regex
  const matches = equal === undefined ? compilePattern(regex!, limits) : (text: string) => text === equal
  if (typeof matches === 'string') return matches
  return found => {
    if (found === undefined) return isNegative
    return found.text === undefined || matches(found.text) !== isNegative
  }
}

/** The first attribute of the name counts. */
function select(selector: SchedulerAttributeConstraint['selector'], agent: AgentInfo): Found {
  switch (selector.pseudoattribute_type) {
    case 'HOSTNAME':
      return { text: agent.hostname }
    case 'REGION':
      return named(agent.domain?.fault_domain?.region?.name)
    case 'ZONE':
      return named(agent.domain?.fault_domain?.zone?.name)
    default:
  }
  const attribute: Attribute | undefined = agent.attributes?.find(({ name }) => name === selector.attribute_name)
  if (!attribute) return undefined
  return attribute.text ? { text: attribute.text.value } : {}
}

const named = (text: string | undefined): Found => (text === undefined ? undefined : { text })
