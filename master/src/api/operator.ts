import { BadMessage } from '@meseta/common/protocol/errors'
import type { MasterCall, MasterCallType, MasterResponse } from '@meseta/common/protocol/mesos'
import type { ReadSide } from '../replica/read-side.ts'
import type { Authorizer } from '../security/actions.ts'
import { refusalOf } from '../security/operations.ts'
import { operatorDemands } from '../security/operator-demands.ts'
import { acceptedMedia, contentType, type Media, notAcceptable, readMessage, writeMessage } from './media.ts'
import { isRead } from './operator-reads.ts'
import { type OwnCall, ownCalls } from './own-calls.ts'
import type { OwnProcess } from './own-process.ts'
import {
  type ApiAnswer,
  type ApiReply,
  type ApiRequest,
  answerWith,
  empty,
  type ReadReply,
  refusal,
} from './transport.ts'

export interface OperatorOptions {
  readonly read: ReadSide
  readonly own: OwnProcess
  readonly operate: Operate
  readonly authorizer: Authorizer
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

  /** @throws {HttpError} or rejects with one: what the answer is */
  handle(request: ApiRequest, reply: ReadReply): void | Promise<void> {
    if (request.method !== 'POST') return reply.answer(refusal(405, 'Expecting POST', { allow: 'POST' }))
    const media = contentType(request)
    if (typeof media !== 'string') return reply.answer(media)
    let call: MasterCall
    try {
      call = readMessage('mesos.v1.master.Call', media, request.body)
    } catch (error) {
      if (!(error instanceof BadMessage)) throw error
      return reply.answer(refusal(400, `Failed to parse body into a Call: ${error.message}`))
    }
    const problem = checkCall(call)
    const accepted = acceptedMedia(request)
    if (problem !== undefined) return reply.answer(refusal(400, `Failed to validate the Call: ${problem}`))
    if (accepted === undefined) return reply.answer(notAcceptable)
    return this.#perform(call, accepted, reply, request.principal)
  }

  #perform(call: MasterCall, accepted: Media, reply: ReadReply, viewer: string | undefined): void | Promise<void> {
    const { read, operate, own } = this.#options
    const type = call.type!
    const ownCall = ownCalls[type]
    const reads = type === 'SUBSCRIBE' || isRead(type)
    if (!ownCall && !reads)
      return operate(call, viewer, (status, message) =>
        reply.answer(message === undefined ? empty(status) : refusal(status, message)),
      )
    // Of a call that changes something the heart asks this itself.
    const denied = refusalOf(this.#options.authorizer, viewer, operatorDemands(call))
    if (denied !== undefined) return reply.answer(refusal(403, denied))
    if (ownCall) return this.#performOwn(ownCall(own, call), call, accepted, reply)
    return read.handle({ type: 'CALL', call: type, media: accepted, viewer }, reply)
  }

  #performOwn(response: ReturnType<OwnCall>, call: MasterCall, media: Media, reply: ApiReply): void | Promise<void> {
    if (response === undefined) return reply.answer(empty(200))
    return answerWith(
      reply,
      response instanceof Promise
        ? response.then(made => responseOf(call, media, made))
        : responseOf(call, media, response),
    )
  }
}

function responseOf({ type }: MasterCall, media: Media, response: Omit<MasterResponse, 'type'>): ApiAnswer {
  const body = writeMessage('mesos.v1.master.Response', media, { type: type as 'GET_HEALTH', ...response })
  return { status: 200, headers: { 'content-type': media }, body }
}

function checkCall(call: MasterCall): string | undefined {
  if (call.type === undefined) return 'type: is required, and must be a known call'
  const body = bodies[call.type]
  if (body !== undefined && call[body] === undefined) return `${body}: is required in a call of type ${call.type}`
  return undefined
}
