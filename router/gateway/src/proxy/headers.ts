import type { IncomingMessage } from 'node:http'
import type { Target } from './target.ts'

/** Headers that concern one connection only (RFC 9110, 7.6.1), and what the router answers itself. */
const notForwarded = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

export const isOfConnection = (name: string): boolean => notForwarded.has(name)

/** Set anew for the upstream: what a client says of them is not believed. */
const forwarding = new Set(['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip'])

/** Cookies of the cluster's own sign-in never reach a service. */
const ownCookies = /^\s*(dcos-acs-auth-cookie|dcos-acs-info-cookie|meseta-backend-[0-9a-f]+)=/

/** What a request to an upstream carries (admin router contract, 5). */
export function requestHeaders(
  { headers: received, socket }: Pick<IncomingMessage, 'headers' | 'socket'>,
  requestId: string,
  drop: ReadonlySet<string> = new Set(),
): Record<string, string | string[]> {
  const listed = connectionTokens(received.connection)
  const headers: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(received)) {
    if (value === undefined || notForwarded.has(name) || forwarding.has(name) || listed.has(name) || drop.has(name))
      continue
    if (name !== 'cookie') headers[name] = value
    else if (othersCookies(String(value)) !== '') headers.cookie = othersCookies(String(value))
  }
  const address = socket.remoteAddress ?? ''
  headers['x-real-ip'] = address
  headers['x-forwarded-for'] = address
  headers['x-forwarded-proto'] = 'http'
  if (received.host !== undefined) headers['x-forwarded-host'] = received.host
  headers['x-request-id'] = requestId
  return headers
}

const othersCookies = (cookies: string): string =>
  cookies
    .split(';')
    .filter(cookie => !ownCookies.test(cookie))
    .join(';')
    .trim()

/** Headers of an upstream's answer as they go on to the client, both as lists of names and values in turn. */
export function answerHeaders(raw: readonly (Buffer | string)[], target: Target, requestId: string): string[] {
  const texts = raw.map(text => text.toString('latin1'))
  const listed = listedOf(texts)
  const headers: string[] = []
  for (let i = 0; i + 1 < texts.length; i += 2) {
    const name = texts[i]!
    const value = texts[i + 1]!
    const lower = name.toLowerCase()
    if (notForwarded.has(lower) || listed.has(lower) || lower === 'x-request-id') continue
    headers.push(name, target.location && lower === 'location' ? target.location(value) : value)
  }
  for (const [name, value] of target.answer ?? []) headers.push(name, value)
  headers.push('x-request-id', requestId)
  return headers
}

/** The names that `Connection` headers list. */
function listedOf(texts: readonly string[]): ReadonlySet<string> {
  let listed = none
  for (let i = 0; i + 1 < texts.length; i += 2) {
    if (texts[i]!.length !== 'connection'.length || texts[i]!.toLowerCase() !== 'connection') continue
    const tokens = connectionTokens(texts[i + 1])
    listed = listed === none ? tokens : new Set([...listed, ...tokens])
  }
  return listed
}

const none: ReadonlySet<string> = new Set()
/** What almost all connections say; neither is a header that would go on. */
const usual = new Set(['keep-alive', 'close'])

function connectionTokens(value: string | undefined): ReadonlySet<string> {
  if (value === undefined || usual.has(value)) return none
  return new Set(value.split(',').map(token => token.trim().toLowerCase()))
}
