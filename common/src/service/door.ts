import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'

/**
 * Who may speak to a process that asks for no password (decision 14 of the design): only this machine, and of the web pages
 * that its browsers show, only our own. A page elsewhere can send requests to 127.0.0.1, and can give a name of its own that
 * address; both betray themselves in `Origin`, `Sec-Fetch-Site` or `Host`.
 */
export interface Door {
  /** Further names by which this process is reached; exact, or `.suffix` for a domain and all below it. */
  readonly hosts: readonly string[]
  /** Callers must prove who they are: then it is no matter by which name they reach it. Pages of others stay outside. */
  readonly anyHost?: boolean
  /** Origins of pages elsewhere that may call it. */
  readonly origins?: readonly string[]
}

/** Whether an address or name always means this machine: 127.0.0.0/8, ::1, localhost. */
export function isLoopback(host: string): boolean {
  const name = bare(host)
  if (name === 'localhost' || name.endsWith('.localhost')) return true
  if (isIP(name) === 4) return name.startsWith('127.')
  if (isIP(name) === 6) return /^(0*:)*:?0*1$/.test(name) || /^::ffff:127\./.test(name)
  return false
}

/** Why a request is refused with 403, as a sentence; `undefined` when it may enter. Also for `upgrade` requests. */
export function refusalAtDoor(door: Door, headers: IncomingHttpHeaders): string | undefined {
  const host = headers.host
  if (host !== undefined && !door.anyHost && !isOwn(door, hostname(host)))
    return `the Host header names '${shown(host)}', which is not a name of this process; without authentication it answers only as localhost and its own names`
  const origin = headers.origin
  if (
    origin !== undefined &&
    !door.origins?.includes(origin) &&
    !isOwnOrigin(door, origin, [host, single(headers['x-forwarded-host'])])
  )
    return `requests from web pages of '${shown(origin)}' are refused: without authentication only pages of this process may call it`
  if (headers['sec-fetch-site'] === 'cross-site' && origin === undefined && !isVisit(headers))
    return 'requests that web pages of other sites make are refused: without authentication only pages of this process may call it'
  return undefined
}

/** A person follows a link: the answer is shown to them and not to the page they came from. */
const isVisit = (headers: IncomingHttpHeaders) =>
  headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'

function isOwn(door: Door, name: string | undefined): boolean {
  if (name === undefined) return false
  if (isLoopback(name)) return true
  return door.hosts.some(own => {
    const lower = own.toLowerCase()
    return lower.startsWith('.') ? name.endsWith(lower) : name === bare(lower)
  })
}

/** An origin is our own when it is the very address the request was sent to, or an extra host. Another port is another page. */
function isOwnOrigin(door: Door, origin: string, hosts: readonly (string | undefined)[]): boolean {
  if (!/^https?:\/\//.test(origin) || !URL.canParse(origin)) return false
  const { protocol, host, hostname: name } = new URL(origin)
  const sameAddress = hosts.some(own => own !== undefined && sameHost(protocol, own, host))
  return sameAddress || door.hosts.some(own => !own.startsWith('.') && bare(own) === bare(name))
}

function sameHost(protocol: string, ours: string, theirs: string): boolean {
  const url = `${protocol}//${ours}`
  return URL.canParse(url) && new URL(url).host === theirs
}

/** The name in a `Host` header, lower case, without port and final dot; `undefined` when it is malformed. */
function hostname(host: string): string | undefined {
  if (host.length > 300) return undefined
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/.exec(host)
  return match ? bare(match[1]!) : undefined
}

const bare = (name: string) =>
  name
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
const single = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value)
const shown = (value: string) => value.slice(0, 100)
