import { excerpt } from '@meseta/common/protocol/excerpt'
import type { MasterCall } from '@meseta/common/protocol/mesos'
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

/** Who asked for a change, and what was answered. What a call holds is of any length: of it the log has whom it is about. */
export function logOperation(
  log: Logger,
  call: MasterCall,
  principal: string | undefined,
  answer: { readonly status: number; readonly refusal: string | undefined },
): void {
  const { type = 'UNKNOWN' } = call
  const { agent_id, framework_id } = (call[type.toLowerCase() as keyof MasterCall] ?? {}) as Subject
  const about = { agent_id: shown(agent_id), framework_id: shown(framework_id) }
  const { status, refusal } = answer
  log.info({ call: type, principal, ...about, status, refusal: refusal && excerpt(refusal) }, 'operator call')
}

/** Where a call names them. */
interface Subject {
  readonly agent_id?: { readonly value: string }
  readonly framework_id?: { readonly value: string }
}

const shown = (id: { readonly value: string } | undefined): string | undefined => id && excerpt(id.value)
