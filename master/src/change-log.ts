import { excerpt } from '@meseta/common/protocol/excerpt'
import type { MasterCall } from '@meseta/common/protocol/mesos'
import type { Logger } from 'pino'
import type { Change } from './state/changes.ts'
import type { Note } from './state/effects.ts'

/** Comings and goings, a line each; tasks are too many. */
export class ChangeLog {
  readonly #log: Logger
  /** Whether an agent or framework was there when it was last heard of, by id. */
  readonly #connected = new Map<string, boolean>()

  constructor(log: Logger) {
    this.#log = log
  }

  log(change: Change): void {
    switch (change.type) {
      case 'AGENT': {
        const { info, pid, connected } = change.agent
        const id = info.id!.value
        if (this.#isNews(id, connected) || change.arrived)
          this.#log.info({ agent_id: id, pid }, connected ? 'agent registered' : 'agent disconnected')
        return
      }
      case 'AGENT_REMOVED':
        this.#connected.delete(change.id)
        this.#log.warn({ agent_id: change.id }, 'agent removed')
        return
      case 'AGENT_UNREACHABLE':
        this.#log.warn({ agent_id: change.id }, 'agent unreachable')
        return
      case 'FRAMEWORK': {
        const { info, connected } = change.framework
        const id = info.id!.value
        if (this.#isNews(id, connected))
          this.#log.info({ framework_id: id, name: info.name }, connected ? 'framework subscribed' : 'framework away')
        return
      }
      case 'FRAMEWORK_COMPLETED':
        this.#connected.delete(change.id)
        this.#log.info({ framework_id: change.id }, 'framework completed')
        return
      default:
    }
  }

  #isNews(id: string, connected: boolean): boolean {
    if (this.#connected.get(id) === connected) return false
    this.#connected.set(id, connected)
    return true
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
