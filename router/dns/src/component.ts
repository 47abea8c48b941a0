import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { defineComponent } from '@meseta/common/service/component'
import { listening } from '@meseta/common/service/handle'
import { Health } from '@meseta/common/service/health'
import { createHttp } from '@meseta/common/service/http'
import { readOwnCredential } from '@meseta/common/service/own-credential'
import { FlagError } from '@meseta/common/service/parse-flags'
import { serveApi } from './api/routes.ts'
import { Watchers } from './api/watch.ts'
import { dnsFlags } from './flags.ts'
import { followBalancer, followMaster } from './follow.ts'
import { Forwarder } from './forwarder/forwarder.ts'
import { parseResolvConf, type Upstream } from './forwarder/resolv-conf.ts'
import { withMesosDnsConfig } from './mesos-dns-config.ts'
import { createMetrics } from './metrics.ts'
import { RecordGenerator } from './records/generator.ts'
import { createZones } from './records/zones.ts'
import { createHandler } from './server/create-handler.ts'
import { type DnsListener, listenDns } from './server/listen.ts'
import { Responder } from './server/responder.ts'
import { type DnsFlags, ownAddresses, readSettings, type Settings } from './settings.ts'

/** Service-discovery DNS: names of tasks, frameworks, agents, masters and virtual IPs. */
export const component = defineComponent({
  name: 'dns',
  summary: 'answers the names of tasks, frameworks, agents, masters and virtual IPs, and asks others for the rest',
  needs: [],
  flags: dnsFlags,
  async start(context) {
    const { clock, random, log, metrics } = context
    const flags = await allFlags(context.flags)
    const listener = flags.dns_ip ?? flags.ip
    const settings = readSettings(flags, ownAddresses(listener, machineAddresses()))
    const health = new Health()
    const zones = createZones(settings.zone)
    const generator = new RecordGenerator(settings.records, zones)
    const watchers = new Watchers(Object.values(zones))
    const changed = () => {
      zones.mesos.serial = Math.floor(clock.now() / 1000)
    }
    const following = { clock, random, log, health }
    const credential = readOwnCredential('master-credential-file', flags.master_credential_file)
    const forwarder = new Forwarder({
      resolvers: flags.external ? await resolvers(settings) : [],
      zoneResolvers: flags.external ? settings.zoneResolvers : new Map(),
      clock,
      random,
      timeout: flags.resolver_timeout,
      failed: (server, err) => log.debug({ server: server.address, err }, 'a resolver failed'),
    })
    const master = followMaster(following, generator, settings.masters, changed, credential)
    const balancer = settings.balancer && followBalancer(following, generator, settings.balancer)
    const responder = new Responder(
      zones,
      zone => {
        if (zone === zones.vips) return balancer?.ready ?? true
        return zone === zones.localhost || zone === zones.spartan || zone === zones.reverse || master.ready
      },
      { truncateBit: flags.truncate_bit, recursion: flags.recursion, ednsSize: settings.ednsSize },
    )
    const handler = createHandler(responder, forwarder, createMetrics(metrics, zones, forwarder))
    const http = createHttp(
      { ...context, flags },
      {
        name: 'dns',
        health,
        flagDefinitions: dnsFlags,
        formatError: ({ message }) => message,
      },
    )
    serveApi(http.app, { flags, settings, zones, generator, watchers, clock })
    let dns: DnsListener | undefined
    const end = async () => {
      master.stop()
      balancer?.stop()
      watchers.close()
      await Promise.all([http.close(), dns?.close()])
    }
    return listening(async () => {
      dns = await listenDns(listener, flags.dns_port, handler)
      return { url: await http.listen(), endpoints: { dns: dns.place } }
    }, end)
  },
})

async function allFlags(flags: DnsFlags): Promise<DnsFlags> {
  const path = flags.mesos_dns_config
  if (path === undefined) return flags
  const file = await readFile(path, 'utf8').catch((error: Error) => {
    throw new FlagError('mesos_dns_config', `--mesos-dns-config=${path} can not be read: ${error.message}`)
  })
  return withMesosDnsConfig(flags, file)
}

/** Addresses of this machine that others can reach. */
function machineAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap(entries =>
    (entries ?? []).filter(entry => !entry.internal).map(entry => entry.address.replace(/%.*$/, '')),
  )
}

/** The servers named by flag, else the machine's own that are not this machine. */
async function resolvers(settings: Settings): Promise<readonly Upstream[]> {
  if (settings.resolvers !== undefined) return settings.resolvers
  try {
    return parseResolvConf(await readFile('/etc/resolv.conf', 'utf8'), machineAddresses())
  } catch {
    return []
  }
}
