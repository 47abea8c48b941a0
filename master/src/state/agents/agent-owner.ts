import { identityIn } from '@meseta/common/messaging/link-subjects'
import { refusalOf } from '../../security/operations.ts'
import type { Cluster } from '../cluster.ts'
import type { RegistryEntry } from '../commands.ts'

/**
 * Where agents are authenticated (`--authenticate_agents`) the bus lets each speak under links of its own name alone, so that the link says
 * who it is. An agent's id then belongs to who registered it first; the registry remembers that as long as the agent.
 */
export interface Owner {
  readonly link?: string | undefined
}

/** Whose the agent of an entry is, for the next entry. */
export const ownerIn = (entry: RegistryEntry | undefined): Owner =>
  entry && entry.state !== 'gone' && entry.link !== undefined ? { link: entry.link } : {}

/** What is written of who registers, or nothing where agents prove nothing. */
export const ownerOf = ({ config }: Cluster, link: string): Owner => (config.authenticateAgents ? { link } : {})

/** Why an agent may not register over this link, or undefined. `agentId`: the one that it says it has. */
export function ownerRefusal(cluster: Cluster, link: string, agentId: string | undefined): string | undefined {
  const { authorizer, authenticateAgents } = cluster.config
  const denied = refusalOf(authorizer, identityIn(link), [['register_agents', undefined]])
  if (denied !== undefined || !authenticateAgents || agentId === undefined) return denied
  const owner = ownerIn(cluster.entries.get(agentId)).link ?? cluster.agents.get(agentId)?.link
  if (owner === undefined || identityIn(owner) === identityIn(link)) return undefined
  return `Agent ${agentId} belongs to another one than '${identityIn(link)}'`
}
