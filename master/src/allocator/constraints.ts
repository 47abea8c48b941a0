import type {
  AgentInfo,
  Attribute,
  SchedulerAttributeConstraint,
  SchedulerOfferConstraints,
} from '@meseta/common/protocol/mesos'

/** Whether a role's offer constraints let an agent in: AND within a group, OR between groups (Mesos contract 2.5). */
export function admits(constraints: SchedulerOfferConstraints | undefined, role: string, agent: AgentInfo): boolean {
  const ofRole = constraints?.role_constraints
  if (!ofRole || !Object.hasOwn(ofRole, role)) return true
  const groups = ofRole[role]!.groups ?? []
  return groups.some(group => (group.attribute_constraints ?? []).every(constraint => holds(constraint, agent)))
}

/** Text predicates are true for attributes that are no text; the negative ones also for attributes that are missing. */
function holds({ selector, predicate }: SchedulerAttributeConstraint, agent: AgentInfo): boolean {
  const found = select(selector, agent)
  if (predicate.exists) return found !== undefined
  if (predicate.not_exists) return found === undefined
  if (predicate.text_equals)
    return found !== undefined && (found.text ?? predicate.text_equals.value) === predicate.text_equals.value
  if (predicate.text_not_equals) return found?.text === undefined || found.text !== predicate.text_not_equals.value
  return false
}

/** The first attribute of the name counts. `text` is absent for one of another type. */
function select(selector: SchedulerAttributeConstraint['selector'], agent: AgentInfo): { text?: string } | undefined {
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

const named = (text: string | undefined) => (text === undefined ? undefined : { text })
