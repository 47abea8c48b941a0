import type { Mark } from './marks.ts'
import type { Agent } from './objects.ts'

export interface NodeStatus {
  readonly word: 'active' | 'deactivated' | 'draining' | 'drained' | 'unreachable'
  readonly mark: Mark
}

/** An agent that the master does not hear is not active, and was not deactivated by a person. */
export function statusOfAgent(agent: Agent): NodeStatus {
  const drain = agent.drain_info?.state
  if (agent.active === false && agent.deactivated !== true && drain === undefined)
    return { word: 'unreachable', mark: 'bad' }
  if (drain === 'DRAINED') return { word: 'drained', mark: 'idle' }
  if (drain !== undefined) return { word: 'draining', mark: 'busy' }
  if (agent.deactivated === true || agent.active === false) return { word: 'deactivated', mark: 'idle' }
  return { word: 'active', mark: 'good' }
}

/** Where the agent stands: `region / zone`, as far as known. */
export function placeOf(agent: Agent): string {
  const domain = agent.domain?.fault_domain
  return [domain?.region?.name, domain?.zone?.name].filter(Boolean).join(' / ')
}
