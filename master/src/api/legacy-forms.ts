import { fromJson } from '@meseta/common/protocol/codec'
import { BadMessage } from '@meseta/common/protocol/errors'
import type { MasterCall, MasterCallType } from '@meseta/common/protocol/mesos'
import { HttpError } from '@meseta/common/service/errors'
import { parseJsonBody } from '@meseta/common/service/json-body'
import type { ApiRequest } from './transport.ts'

// The older endpoints that change something, made into the calls of the v1 API (Mesos contract 4): from there on both are one.

/** Makes a request into the call that it means. Throws an HttpError or a BadMessage where it means none. */
type Form = (request: ApiRequest) => MasterCall

/** By route and method. Some of these routes also read; what does is among the reads. */
const forms: Readonly<Record<string, Readonly<Record<string, Form>>>> = {
  '/reserve': { POST: onAgent('RESERVE_RESOURCES', 'resources') },
  '/unreserve': { POST: onAgent('UNRESERVE_RESOURCES', 'resources') },
  '/create-volumes': { POST: onAgent('CREATE_VOLUMES', 'volumes') },
  '/destroy-volumes': { POST: onAgent('DESTROY_VOLUMES', 'volumes') },
  '/weights': { PUT: listed('UPDATE_WEIGHTS', 'weight_infos') },
  '/quota': {
    POST: request => call('SET_QUOTA', { quota_request: bodyOf(request) }),
    DELETE: request => call('REMOVE_QUOTA', { role: roleBelow(request.path) }),
  },
  '/maintenance/schedule': {
    POST: request => call('UPDATE_MAINTENANCE_SCHEDULE', { schedule: bodyOf(request) }),
  },
  '/machine/down': { POST: listed('START_MAINTENANCE', 'machines') },
  '/machine/up': { POST: listed('STOP_MAINTENANCE', 'machines') },
  '/teardown': { POST: request => call('TEARDOWN', { framework_id: { value: required(request, 'frameworkId') } }) },
}

export const formRoutes: readonly string[] = Object.keys(forms)

/** The methods by which a route changes something. */
export const formMethods = (route: string): readonly string[] => Object.keys(forms[route] ?? {})

/**
 * The call that a request to an older endpoint means; undefined where it changes nothing.
 * @throws {HttpError} 400, naming what is missing or wrong
 */
export function callOfForm(route: string, request: ApiRequest): MasterCall | undefined {
  try {
    return forms[route]?.[request.method]?.(request)
  } catch (error) {
    if (error instanceof BadMessage) throw new HttpError(400, `Failed to parse the body: ${error.message}`)
    throw error
  }
}

/** With the message's own rules: an unknown field is passed over, a wrong one is named. */
const call = (type: MasterCallType, body: object): MasterCall =>
  fromJson('mesos.v1.master.Call', { type, [type.toLowerCase()]: body })

/** A form `slaveId=…&resources=[…]`. */
function onAgent(type: MasterCallType, list: 'resources' | 'volumes'): Form {
  return request => {
    const agent_id = { value: required(request, 'slaveId') }
    const name = `'${list}' in the form of the body`
    return call(type, { agent_id, [list]: arrayOf(jsonOf(required(request, list), name), name) })
  }
}

/** A body that is an array of what the call holds. */
function listed(type: MasterCallType, list: 'weight_infos' | 'machines'): Form {
  return request => call(type, { [list]: arrayOf(bodyOf(request), 'the body') })
}

const bodyOf = ({ body }: ApiRequest): unknown => jsonOf(body, 'the body')

/** Refuses null, too: it would read as left out. */
function jsonOf(text: Uint8Array | string, what: string): unknown {
  const value = parse(text, what)
  if (typeof value !== 'object' || value === null)
    throw new HttpError(400, `Failed to parse ${what}: it holds no object`)
  return value
}

function parse(text: Uint8Array | string, what: string): unknown {
  try {
    return parseJsonBody(text)
  } catch (error) {
    throw new HttpError(400, `Failed to parse ${what}: ${(error as Error).message}`)
  }
}

function arrayOf(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new HttpError(400, `Failed to parse ${what}: it is no JSON array`)
  return value
}

function required(request: ApiRequest, name: string): string {
  const value = new URLSearchParams(Buffer.from(request.body).toString('utf8')).get(name)
  if (value === null || value === '') throw new HttpError(400, `Missing '${name}' in the form of the body`)
  return value
}

/** The role of `/quota/{role}`. */
function roleBelow(path: string): string {
  const role = /^(?:\/master)?\/quota(?:\.json)?\/(.+?)\/*$/.exec(path)?.[1]
  if (role === undefined) throw new HttpError(400, "Failed to remove a quota: expecting the path '/quota/{role}'")
  try {
    return decodeURIComponent(role)
  } catch {
    throw new HttpError(400, 'Failed to remove a quota: the role in the path is not percent-encoded UTF-8')
  }
}
