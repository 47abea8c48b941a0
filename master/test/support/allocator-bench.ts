import { Resources } from '@meseta/common/resources/resources'
import { parseResources } from '@meseta/common/resources/text'
import { type Allocation, Allocator, type AllocatorConfig } from '../../src/allocator/allocator.ts'
import type { FrameworkFacts } from '../../src/allocator/model.ts'
import { heartDefaults } from '../../src/state/config.ts'

export const of = (text: string) => Resources.from(parseResources(text))

/** What the allocator is told of a framework, if nothing else is said: one in role r. */
export function framework(
  more: Partial<Omit<FrameworkFacts, 'capabilities'>> & { capabilities?: string[] } = {},
): FrameworkFacts {
  const { capabilities = ['MULTI_ROLE'], ...rest } = more
  return {
    info: { user: 'u', name: 'f' },
    roles: ['r'],
    suppressed: new Set(),
    constraints: undefined,
    capabilities: new Set(capabilities),
    ...rest,
  }
}

/** An allocator with agents `a0`, `a1`… and active frameworks. */
export function allocatorOf(
  agents: readonly string[],
  frameworks: Record<string, FrameworkFacts>,
  more: Partial<AllocatorConfig> = {},
): Allocator {
  const allocator = new Allocator({ ...heartDefaults, ...more })
  for (const [id, facts] of Object.entries(frameworks)) {
    allocator.addFramework(id, facts)
    allocator.activateFramework(id)
  }
  for (const [slot, text] of agents.entries()) addAgent(allocator, slot, text)
  return allocator
}

export function addAgent(allocator: Allocator, slot: number, text: string, more: { domain?: string } = {}): void {
  allocator.addAgent(`a${slot}`, {
    slot,
    info: {
      hostname: `h${slot}`,
      ...(more.domain ? { domain: { fault_domain: { region: { name: more.domain }, zone: { name: 'z' } } } } : {}),
    },
    capabilities: ['MULTI_ROLE', 'HIERARCHICAL_ROLE', 'RESERVATION_REFINEMENT'],
    total: of(text),
  })
}

export const brief = (allocations: readonly Allocation[]) =>
  allocations.map(({ frameworkId, agentId, role }) => `${frameworkId} ${role} ${agentId}`).sort()
