import type { UpdateAgent } from '@meseta/common/protocol/mesos'
import { isTerminalOperation } from '@meseta/common/protocol/task-state'
import { Resources } from '@meseta/common/resources/resources'
import { validateResources } from '@meseta/common/resources/validate'
import type { Cluster } from '../cluster.ts'
import { rescindOffers } from '../offers/offers.ts'
import { expectOperations } from '../operations/operations.ts'
import type { Agent } from '../records.ts'

/**
 * An agent says what it has: it does so when it could not do what this master expected of it. Operations that it has not answered
 * are on their way to it.
 */
export function agentResources(cluster: Cluster, agent: Agent, { total_resources: total = [] }: UpdateAgent): void {
  cluster.tally.count('messages_update_slave')
  const invalid = validateResources(total)
  if (invalid !== undefined) {
    cluster.note({ code: 'RESOURCES_REFUSED', agentId: agent.id, detail: `total_resources: ${invalid}` })
    return
  }
  rescindOffers(cluster, agent.offers)
  const unanswered = [...cluster.operations.ofAgent(agent.id)].filter(
    ({ operation }) => !isTerminalOperation(operation.latest_status.state),
  )
  agent.total = expectOperations(Resources.from(total), unanswered)
  cluster.allocator.updateAgent(agent.id, agent)
  cluster.showAgent(agent, false)
}
