import type { IncomingHttpHeaders } from 'node:http'

/** Headers that concern one connection only (RFC 9110, 7.6.1). */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Set anew for the upstream: what a client says of them is not believed. */
const forwarding = new Set(['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip'])

/** Cookies of the cluster's own sign-in never reach a service. */
const ownCookies = /^\s*(dcos-acs-auth-cookie|dcos-acs-info-cookie|meseta-backend-[0-9a-f]+)=/

export interface Requester {
  readonly address: string
  readonly requestId: string
}

/** What a request to an upstream carries (admin router contract, 5). */
export function requestHeaders(
  received: IncomingHttpHeaders,
  requester: Requester,
  drop: ReadonlySet<string> = new Set(),
): Record<string, string | string[]> {
  const listed = connectionTokens(received.connection)
  const headers: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(received)) {
    if (value === undefined || hopByHop.has(name) || forwarding.has(name) || listed.has(name) || drop.has(name))
      continue
    if (name === 'expect') continue
    if (name === 'cookie') {
      const kept = String(value)
        .split(';')
        .filter(cookie => !ownCookies.test(cookie))
      if (kept.length > 0) headers.cookie = kept.join(';').trim()
      continue
    }
    headers[name] = value
  }
  headers['x-real-ip'] = requester.address
  headers['x-forwarded-for'] = requester.address
  headers['x-forwarded-proto'] = 'http'
  if (received.host !== undefined) headers['x-forwarded-host'] = received.host
  headers['x-request-id'] = requester.requestId
  return headers
}

/** Headers of an upstream's answer that go on to the client, from its raw list of names and values. */
export function responseHeaders(raw: readonly (Buffer | string)[]): [string, string][] {
  const pairs: [string, string][] = []
  for (let i = 0; i + 1 < raw.length; i += 2) pairs.push([raw[i]!.toString('latin1'), raw[i + 1]!.toString('latin1')])
  const listed = connectionTokens(pairs.find(([name]) => name.toLowerCase() === 'connection')?.[1])
  return pairs.filter(([name]) => {
    const lower = name.toLowerCase()
    return !hopByHop.has(lower) && !listed.has(lower)
  })
}

function connectionTokens(value: string | undefined): ReadonlySet<string> {
  if (value === undefined) return new Set()
  return new Set(value.split(',').map(token => token.trim().toLowerCase()))
}
