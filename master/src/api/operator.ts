import { BadMessage } from '@meseta/common/protocol/errors'
import type { MasterCall, MasterCallType, MasterResponse } from '@meseta/common/protocol/mesos'
import type { MasterFacts } from '../replica/facts.ts'
import type { ReadSide } from '../replica/read-side.ts'
import { acceptedMedia, contentType, type Media, notAcceptable, readMessage, writeMessage } from './media.ts'
import { isRead } from './operator-reads.ts'
import { type ApiRequest, empty, type ReadReply, refusal } from './transport.ts'
import { versionInfo } from './version.ts'

export interface OperatorOptions {
  readonly facts: MasterFacts
  readonly read: ReadSide
  readonly metrics: () => Readonly<Record<string, number>>
  readonly operate: Operate
}

/** Hands the heart a call that changes something; calls back with the status and, for a refusal, the reason. */
export type Operate = (
  call: MasterCall,
  principal: string | undefined,
  answered: (status: number, message: string | undefined) => void,
) => void

/** Calls whose body object is obligatory, and where it is. Those that are not supported yet are checked all the same. */
const bodies: Partial<Record<MasterCallType, keyof MasterCall>> = {
  GET_METRICS: 'get_metrics',
  SET_LOGGING_LEVEL: 'set_logging_level',
  LIST_FILES: 'list_files',
  READ_FILE: 'read_file',
  UPDATE_WEIGHTS: 'update_weights',
  RESERVE_RESOURCES: 'reserve_resources',
  UNRESERVE_RESOURCES: 'unreserve_resources',
  CREATE_VOLUMES: 'create_volumes',
  DESTROY_VOLUMES: 'destroy_volumes',
  GROW_VOLUME: 'grow_volume',
  SHRINK_VOLUME: 'shrink_volume',
  UPDATE_MAINTENANCE_SCHEDULE: 'update_maintenance_schedule',
  START_MAINTENANCE: 'start_maintenance',
  STOP_MAINTENANCE: 'stop_maintenance',
  DRAIN_AGENT: 'drain_agent',
  DEACTIVATE_AGENT: 'deactivate_agent',
  REACTIVATE_AGENT: 'reactivate_agent',
  UPDATE_QUOTA: 'update_quota',
  SET_QUOTA: 'set_quota',
  REMOVE_QUOTA: 'remove_quota',
  TEARDOWN: 'teardown',
  MARK_AGENT_GONE: 'mark_agent_gone',
  READ_LOG: 'read_log',
}

/** `POST /api/v1` without its transport (Mesos contract 3). Leadership and recovery have been checked before. */
export class OperatorEndpoint {
  readonly #options: OperatorOptions

  constructor(options: OperatorOptions) {
    this.#options = options
  }

  handle(request: ApiRequest, reply: ReadReply): void {
    if (request.method !== 'POST') {
      reply.answer(refusal(405, 'Expecting POST', { allow: 'POST' }))
      return
    }
    const media = contentType(request)
    if (typeof media !== 'string') {
      reply.answer(media)
      return
    }
    let call: MasterCall
    try {
      call = readMessage('mesos.v1.master.Call', media, request.body)
    } catch (error) {
      if (!(error instanceof BadMessage)) throw error
      reply.answer(refusal(400, `Failed to parse body into a Call: ${error.message}`))
      return
    }
    const problem = checkCall(call)
    const accepted = acceptedMedia(request)
    if (problem !== undefined) reply.answer(refusal(400, `Failed to validate the Call: ${problem}`))
    else if (accepted === undefined) reply.answer(notAcceptable)
    else this.#perform(call, accepted, reply, request.principal)
  }

  #perform(call: MasterCall, accepted: Media, reply: ReadReply, viewer: string | undefined): void {
    const { read, operate } = this.#options
    const type = call.type!
    const own = this.#own(type)
    if (own) {
      const body = writeMessage('mesos.v1.master.Response', accepted, { type: type as 'GET_HEALTH', ...own })
      reply.answer({ status: 200, headers: { 'content-type': accepted }, body })
    } else if (type === 'SUBSCRIBE' || isRead(type))
      read.handle({ type: 'CALL', call: type, media: accepted, viewer }, reply)
    else
      operate(call, viewer, (status, message) =>
        reply.answer(message === undefined ? empty(status) : refusal(status, message)),
      )
  }

  /** The reply of a call that asks about this master alone. */
  #own(type: MasterCallType): Omit<MasterResponse, 'type'> | undefined {
    const { facts, metrics } = this.#options
    switch (type) {
      case 'GET_HEALTH':
        return { get_health: { healthy: true } }
      case 'GET_VERSION':
        return { get_version: { version_info: versionInfo(facts) } }
      case 'GET_FLAGS':
        return { get_flags: { flags: Object.entries(facts.flags).map(([name, value]) => ({ name, value })) } }
      case 'GET_METRICS':
        return { get_metrics: { metrics: Object.entries(metrics()).map(([name, value]) => ({ name, value })) } }
      case 'GET_LOGGING_LEVEL':
        return { get_logging_level: { level: 0 } }
      case 'GET_MASTER':
        return {
          get_master: {
            master_info: facts.masterInfo,
            start_time: facts.startedAt / 1000,
            elected_time: facts.electedAt / 1000,
          },
        }
      default:
        return undefined
    }
  }
}

function checkCall(call: MasterCall): string | undefined {
  if (call.type === undefined) return 'type: is required, and must be a known call'
  const body = bodies[call.type]
  if (body !== undefined && call[body] === undefined) return `${body}: is required in a call of type ${call.type}`
  return undefined
}
