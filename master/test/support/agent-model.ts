import type { MasterToAgent, Operation, Resource } from '@meseta/common/protocol/mesos'
import { isCheckpointed } from '@meseta/common/resources/checkpointed'
import { allocateOperation } from '@meseta/common/resources/conversions'
import { Resources } from '@meseta/common/resources/resources'
import { parseResources } from '@meseta/common/resources/text'

/** What a bench's agent has of its own. */
export const own = Resources.from(parseResources('cpus:4;mem:1024;disk:1000'))

/** What an agent does with operations: each is done when it is heard, and kept until its end is acknowledged. */
export class AgentModel {
  total = own
  readonly operations = new Map<string, Operation>()

  hear({ apply_operation: asked, acknowledge_operation: acknowledged }: MasterToAgent): void {
    if (acknowledged) this.operations.delete(acknowledged.uuid.value)
    if (!asked) return
    const applied = this.total.applyOperation(allocateOperation(asked.info, undefined))
    if ('refused' in applied) throw new Error(`an agent was sent what it can not do: ${applied.refused}`)
    this.total = applied.resources
    const { uuid, framework_id, info } = asked
    this.operations.set(uuid.value, {
      uuid,
      info,
      ...(framework_id ? { framework_id } : {}),
      latest_status: {
        state: 'OPERATION_FINISHED',
        // One status of each operation: any uuid of its own will do.
        uuid: { value: Buffer.from(uuid.value, 'base64').reverse().toString('base64') },
        ...(info.id ? { operation_id: info.id } : {}),
      },
    })
  }

  /** What it says of this when it returns. */
  get report(): { checkpointed_resources: Resource[]; operations: Operation[] } {
    return {
      checkpointed_resources: this.total.filter(isCheckpointed).toArray(),
      operations: [...this.operations.values()],
    }
  }
}
