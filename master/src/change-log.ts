import type { Logger } from 'pino'
import type { Change } from './state/changes.ts'
import type { Note } from './state/effects.ts'

/** Comings and goings; tasks are too many. */
export function logChange(log: Logger, change: Change): void {
  switch (change.type) {
    case 'AGENT': {
      const { info, pid, connected } = change.agent
      if (change.arrived || !connected)
        log.info({ agent_id: info.id?.value, pid }, connected ? 'agent registered' : 'agent disconnected')
      return
    }
    case 'AGENT_REMOVED':
      log.warn({ agent_id: change.id }, 'agent removed')
      return
    case 'AGENT_UNREACHABLE':
      log.warn({ agent_id: change.id }, 'agent unreachable')
      return
    case 'FRAMEWORK': {
      const { info, connected } = change.framework
      log.info({ framework_id: info.id?.value, name: info.name }, connected ? 'framework subscribed' : 'framework away')
      return
    }
    case 'FRAMEWORK_COMPLETED':
      log.info({ framework_id: change.id }, 'framework completed')
      return
    default:
  }
}

export function logNote(log: Logger, { code, agentId, frameworkId, taskId, detail }: Note): void {
  log.info({ code, agent_id: agentId, framework_id: frameworkId, task_id: taskId, detail }, 'noted')
}
