import { isIP } from 'node:net'
import { parsePid } from '@meseta/common/discovery/agent'
import { type FollowContext, followCluster, followSource, type Source } from '@meseta/common/discovery/follow'
import { asBody, asPort, asText, field } from '@meseta/common/discovery/reading'
import type { OwnCredential } from '@meseta/common/service/own-credential'
import { HostNames } from './host-names.ts'
import type { MasterPlace, Masters } from './records/cluster-records.ts'
import type { RecordGenerator } from './records/generator.ts'

/** Follows the leading master and keeps its records. `changed` is called after each change. */
export function followMaster(
  context: FollowContext,
  generator: RecordGenerator,
  masters: readonly URL[],
  changed: () => void,
  credential?: OwnCredential,
): Source {
  const hosts = new HostNames(context, generator)
  const name = {
    check: 'master',
    title: 'the leading master',
    without: 'names of the cluster get SERVFAIL',
  }
  const source = followCluster(
    context,
    name,
    masters,
    {
      put(kind, key, body) {
        if (kind === 'cluster') generator.putMasters(readMasters(body, masters))
        else if (kind === 'agent') generator.putAgent(key, body)
        else if (kind === 'framework') hosts.want(generator.putFramework(key, body))
        else if (kind === 'task') generator.putTask(key, body)
        changed()
      },
      del(kind, key) {
        if (kind === 'agent') generator.delAgent(key)
        else if (kind === 'framework') generator.delFramework(key)
        else if (kind === 'task') generator.delTask(key)
        changed()
      },
    },
    credential,
  )
  return {
    get ready() {
      return source.ready
    },
    stop() {
      source.stop()
      hosts.stop()
    },
  }
}

/** Follows the balancer for the names of virtual IPs. */
export function followBalancer(context: FollowContext, generator: RecordGenerator, balancer: URL): Source {
  const name = { check: 'balancer', title: 'the balancer', without: 'names of virtual IPs get SERVFAIL' }
  return followSource(context, name, [balancer], {
    put(kind, key, body) {
      if (kind === 'vip') generator.putVip(key, body)
    },
    del(kind, key) {
      if (kind === 'vip') generator.delVip(key)
    },
  })
}

/** Where a master is, of a pid, a URL, `host:port`, or an object that holds one of them. */
function masterPlace(value: unknown): MasterPlace | undefined {
  const body = asBody(value)
  const text = asText(value) ?? asText(field(body, 'pid')) ?? asText(field(body, 'url'))
  const place = text === undefined ? undefined : parsePid(text.replace(/^(https?:\/\/|[^@]*@)?/, '@'))
  const address = place?.host ?? asText(field(body, 'ip')) ?? asText(field(body, 'hostname'))
  if (address === undefined || isIP(address) === 0) return undefined
  return { address, port: place?.port ?? asPort(field(body, 'port')) ?? 5050 }
}

/** Masters of the `cluster` of the master's feed, in the order of `--master`, then in that of the feed. */
export function readMasters(value: unknown, configured: readonly URL[]): Masters {
  const body = asBody(value)
  const known = field(body, 'masters')
  const own = configured.map(url => url.hostname.replace(/^\[|\]$/g, '')).filter(host => isIP(host) !== 0)
  const others = (Array.isArray(known) ? known : []).flatMap(item => masterPlace(item)?.address ?? [])
  return { leader: masterPlace(field(body, 'leader_info')), configured: [...new Set([...own, ...others])] }
}
