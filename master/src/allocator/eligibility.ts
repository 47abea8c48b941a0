import { bitsOf, can } from './capabilities.ts'
import type { AgentBook, AgentFacts, Client, FrameworkFacts } from './model.ts'

/** Why an agent as a whole is not for a framework in a role (Mesos contract 5.3.4). */
export type Ineligibility = 'GPU' | 'REGION' | 'CAPABILITY' | 'CONSTRAINT'

/** Capabilities that an agent asks of frameworks: `gpus` as the master is configured, `region` the master's. */
export function agentDemands({ info, total }: AgentFacts, gpus: boolean, region: string | undefined): number {
  const own = info.domain?.fault_domain?.region?.name
  return (
    (gpus && total.thousandths('gpus') > 0 ? can.GPU_RESOURCES : 0) |
    (own !== undefined && own !== region ? can.REGION_AWARE : 0)
  )
}

/** Capabilities that a framework in a role asks of agents. */
export function clientDemands({ capabilities }: FrameworkFacts, role: string): number {
  return (bitsOf(capabilities) & can.MULTI_ROLE) | (role.includes('/') ? can.HIERARCHICAL_ROLE : 0)
}

export function ineligible(agent: AgentBook, client: Client): Ineligibility | undefined {
  const missing = agent.demands & ~client.capabilities
  if (missing !== 0) return missing & can.GPU_RESOURCES ? 'GPU' : 'REGION'
  if ((client.demands & ~agent.capabilities) !== 0) return 'CAPABILITY'
  return client.admitted === undefined || isAdmitted(client, client.admitted, agent) ? undefined : 'CONSTRAINT'
}

/** Constraints are looked into once an agent, until either changes. */
function isAdmitted(client: Client, known: Uint8Array, agent: AgentBook): boolean {
  const { slot } = agent
  if (slot < known.length && known[slot] !== 0) return known[slot] === 1
  const answer = client.framework.facts.constraints!.admits(client.role.name, agent.info)
  if (slot >= known.length) {
    const larger = new Uint8Array(Math.max(64, slot + 1, known.length * 2))
    larger.set(known)
    client.admitted = larger
  }
  client.admitted![slot] = answer ? 1 : 2
  return answer
}

/** The memory of what a client's constraints let in: none without constraints. */
export function admissions({ constraints }: FrameworkFacts, role: string): Uint8Array | undefined {
  return constraints?.restricts(role) ? new Uint8Array(0) : undefined
}
