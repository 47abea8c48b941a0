import { HttpError } from '@meseta/common/service/errors'

/** The one-line answers that clients of the original know (admin router contract, 2 and 3). */
export const texts = {
  serviceNotFound: '404 Not Found: service not found.',
  noApps: '503 Service Unavailable: invalid Marathon svcapps cache',
  noFrameworks: '503 Service Unavailable: invalid Mesos state cache',
  noDns: '503 Service Unavailable: MesosDNS request has failed',
  noState: '503 Service Unavailable: cache state is invalid',
  noLeader: '503 Service Unavailable: cache is invalid',
  agentUnknown: (id: string) => `404 Not Found: agent \`${id}\` unknown.`,
} as const

/** An error whose body is its text and nothing else. */
export class PlainError extends HttpError {
  constructor(text: string) {
    super(Number(text.slice(0, 3)), text, { headers: { 'content-type': 'text/plain; charset=utf-8' } })
  }
}

/** A route of the original that this version does not have yet: said, and never faked. */
export function notYet(what: string): HttpError {
  return new HttpError(501, `${what} is not supported yet by this version of the admin router`)
}
