import { locationBelow } from '../proxy/location.ts'
import type { Target } from '../proxy/target.ts'
import { PlainError, texts } from './errors.ts'
import { pathBehind } from './request-target.ts'

/** Where the cluster's own components are at the moment. */
export interface Origins {
  readonly leader: string | undefined
  readonly universe: string
  readonly dns: string
  readonly balancer: string
  agent(id: string): string | undefined
}

/** One line of the admin router's table (admin router contract, 1): a prefix and where its requests go. */
export interface FixedRoute {
  readonly prefix: string
  /** The path is matched whole. */
  readonly exact?: boolean
  /** Answers are kept for a moment, and given to all who ask. */
  readonly cached?: boolean
  /** Throws the contract's error when there is no upstream. */
  target(origins: Origins, url: string): Target
}

const noAuthorization: ReadonlySet<string> = new Set(['authorization'])
const noEncoding: ReadonlySet<string> = new Set(['accept-encoding'])

function leader(origins: Origins): string {
  if (origins.leader === undefined) throw new PlainError(texts.noLeader)
  return origins.leader
}

/** `/agent/<id>/…`: that agent's own address, known from the master. */
function agentTarget(prefix: string) {
  return (origins: Origins, url: string): Target => {
    const [, id, rest] = /^([^/?]*)(.*)$/s.exec(url.slice(prefix.length))!
    const origin = origins.agent(decode(id!))
    if (origin === undefined)
      throw new PlainError(origins.leader === undefined ? texts.noState : texts.agentUnknown(id!))
    const path = pathBehind(rest!)
    return { origin, path, drop: noEncoding, silence: 0, location: locationBelow(`${prefix}${id}`, 'http', undefined) }
  }
}

function decode(id: string): string {
  try {
    return decodeURIComponent(id)
  } catch {
    return id
  }
}

/** Everything but services, in the order of the contract's table. */
export const fixedRoutes: readonly FixedRoute[] = [
  {
    prefix: '/mesos/',
    // Streams (SUBSCRIBE) pass, however long they are silent.
    target: (origins, url) => ({ origin: leader(origins), path: pathBehind(url.slice('/mesos/'.length)), silence: 0 }),
  },
  {
    prefix: '/cache/master/',
    cached: true,
    target: (origins, url) => ({
      origin: leader(origins),
      path: `/master${pathBehind(url.slice('/cache/master/'.length))}`,
    }),
  },
  { prefix: '/agent/', target: agentTarget('/agent/') },
  { prefix: '/slave/', target: agentTarget('/slave/') },
  { prefix: '/package/', target: (origins, url) => ({ origin: origins.universe, path: url }) },
  { prefix: '/capabilities', exact: true, target: (origins, url) => ({ origin: origins.universe, path: url }) },
  {
    prefix: '/cosmos/service/',
    target: (origins, url) => ({ origin: origins.universe, path: url.slice('/cosmos'.length) }),
  },
  {
    prefix: '/mesos_dns/',
    target: (origins, url) => ({
      origin: origins.dns,
      path: pathBehind(url.slice('/mesos_dns/'.length)),
      drop: noAuthorization,
    }),
  },
  {
    prefix: '/net/',
    target: (origins, url) => ({
      origin: origins.balancer,
      path: pathBehind(url.slice('/net/'.length)),
      drop: noAuthorization,
    }),
  },
]
