import type { MasterEvent, TaskStatus } from '@meseta/common/protocol/mesos'
import type { Applied } from './tables.ts'
import { v1Agent, v1Framework } from './v1-shapes.ts'
import { seesAll, type Views } from './views.ts'

/** The event of the operator's stream that a change brings, if it brings one (Mesos contract 3); of an agent what the viewer may see. */
export function eventOf(
  { change, agent, framework, task, before }: Applied,
  views: Views = seesAll,
): MasterEvent | undefined {
  switch (change.type) {
    case 'TASK':
      return task && { type: 'TASK_ADDED', task_added: { task: task.task } }
    case 'TASK_STATUS':
      if (!task || !isNews(change.status, before)) return undefined
      return {
        type: 'TASK_UPDATED',
        task_updated: { framework_id: { value: change.frameworkId }, status: change.status, state: change.state },
      }
    case 'AGENT':
      return agent && change.arrived
        ? { type: 'AGENT_ADDED', agent_added: { agent: v1Agent(agent, views) } }
        : undefined
    case 'AGENT_REMOVED':
      return { type: 'AGENT_REMOVED', agent_removed: { agent_id: { value: change.id } } }
    case 'FRAMEWORK': {
      if (!framework) return undefined
      const shown = { framework: v1Framework(framework) }
      return change.arrived
        ? { type: 'FRAMEWORK_ADDED', framework_added: shown }
        : { type: 'FRAMEWORK_UPDATED', framework_updated: shown }
    }
    case 'FRAMEWORK_COMPLETED':
      return framework && { type: 'FRAMEWORK_REMOVED', framework_removed: { framework_info: framework.view.info } }
    default:
      return undefined
  }
}

/** Sent on a change of state, of a check or of a health check. */
function isNews(status: TaskStatus, before: TaskStatus | undefined): boolean {
  return (
    before === undefined ||
    before.state !== status.state ||
    before.healthy !== status.healthy ||
    JSON.stringify(before.check_status) !== JSON.stringify(status.check_status)
  )
}
