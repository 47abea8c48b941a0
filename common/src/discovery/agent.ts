import { isIP } from 'node:net'
import { asBody, asPort, asText, field } from './reading.ts'

/** What service discovery reads of an agent (`slave` of the master contract, 4.1). */
export interface AgentView {
  readonly id: string
  readonly hostname: string
  /** Its address: the host of its pid, else its hostname when that is an address. */
  readonly address: string | undefined
  readonly port: number | undefined
}

/** Host and port of a pid, `name@host:port`; an IPv6 host may be in brackets. */
export function parsePid(pid: string): { host: string; port: number | undefined } | undefined {
  const place = pid.slice(pid.indexOf('@') + 1)
  const colon = place.lastIndexOf(':')
  if (pid.indexOf('@') < 0 || colon <= 0) return undefined
  const host = place.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  return { host, port: asPort(Number(place.slice(colon + 1))) }
}

/** Reads an agent; `undefined` when it has no id. */
export function readAgent(value: unknown): AgentView | undefined {
  const body = asBody(value)
  const id = asText(field(body, 'id'))
  if (!id) return undefined
  const hostname = asText(field(body, 'hostname')) ?? ''
  const pid = parsePid(asText(field(body, 'pid')) ?? '')
  const address = [pid?.host, hostname].find(host => host !== undefined && isIP(host) !== 0)
  return { id, hostname, address, port: pid?.port ?? asPort(field(body, 'port')) }
}
