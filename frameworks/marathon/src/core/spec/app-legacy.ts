import type { Problems } from '../errors.ts'
import type { App, Fetch, Network, PortMapping } from '../model.ts'
import { defined } from '../shape.ts'
import type { AppBody } from './app-shape.ts'

/** An app as it was sent, in today's form only. */
export type AppUpdate = Partial<App>

const archive = /\.(tar|tar\.gz|tar\.bz2|tar\.xz|gz|tgz|tbz2|txz|zip)$/

const fetchOf = (uri: string): Fetch => ({
  uri,
  extract: archive.test(uri.split(/[?#]/)[0] ?? ''),
  executable: false,
  cache: false,
})

/** Turns the forms of before Marathon 1.5 into today's (contract 4.2); mixing both is noted as a problem. */
export function modernise(body: AppBody, path: string, problems: Problems): AppUpdate {
  const { uris, ports, ipAddress, container: sent, given: _given, version: _version, ...rest } = body
  const update: AppUpdate = { ...rest, container: sent?.container }

  if (uris !== undefined) {
    if (rest.fetch !== undefined) problems.add(`${path}/uris`, "can not be given together with 'fetch'")
    else update.fetch = uris.map(fetchOf)
  }
  modernisePorts(body, update, path, problems)
  moderniseMappings(body, update, path, problems)
  moderniseNetworks(body, update, path, problems)
  if (ports !== undefined && isHost(update.networks)) {
    update.portDefinitions ??= ports.map((port, index) =>
      defined({ port, protocol: 'tcp', name: index === 0 ? 'default' : undefined, labels: {} }),
    )
  }
  if (ipAddress !== undefined && ipAddress.discoveryPorts.length > 0) addDiscoveryPorts(body, update)
  return defined(update)
}

const isHost = (networks: readonly Network[] | undefined): boolean =>
  networks === undefined || networks.length === 0 || networks.some(one => one.mode === 'host')

function modernisePorts(body: AppBody, update: AppUpdate, path: string, problems: Problems): void {
  if (body.ports === undefined) return
  if (body.portDefinitions !== undefined)
    problems.add(`${path}/ports`, "can not be given together with 'portDefinitions'")
  update.portDefinitions = body.portDefinitions
}

function moderniseMappings(body: AppBody, update: AppUpdate, path: string, problems: Problems): void {
  const old = body.container?.dockerPortMappings
  if (old === undefined || update.container === undefined) return
  if (update.container.portMappings !== undefined)
    problems.add(`${path}/container/docker/portMappings`, "can not be given together with 'container.portMappings'")
  else if (body.container?.dockerNetwork !== 'HOST') update.container = { ...update.container, portMappings: old }
}

const dockerNetworks = { HOST: 'host', BRIDGE: 'container/bridge', USER: 'container' } as const

function moderniseNetworks(body: AppBody, update: AppUpdate, path: string, problems: Problems): void {
  const old = body.container?.dockerNetwork
  const { ipAddress } = body
  if (body.networks !== undefined) {
    if (old !== undefined) problems.add(`${path}/container/docker/network`, "can not be given together with 'networks'")
    if (ipAddress !== undefined) problems.add(`${path}/ipAddress`, "can not be given together with 'networks'")
    return
  }
  if (ipAddress !== undefined) {
    if (old === 'BRIDGE' || old === 'HOST')
      problems.add(`${path}/ipAddress`, `can not be given together with the docker network ${old}`)
    const network: Network = defined({ mode: 'container', name: ipAddress.networkName, labels: ipAddress.labels })
    update.networks = [network]
    return
  }
  if (old === 'NONE') problems.add(`${path}/container/docker/network`, 'NONE is not supported')
  else if (old !== undefined) update.networks = [{ mode: dockerNetworks[old] }]
}

/** Ports announced for a container with an address of its own; DOCKER containers never had them. */
function addDiscoveryPorts(body: AppBody, update: AppUpdate): void {
  const type = body.container?.container.type ?? 'MESOS'
  if (type !== 'MESOS') return
  const mappings = (body.ipAddress?.discoveryPorts ?? []).map(
    (port): PortMapping => ({
      containerPort: port.number,
      servicePort: 0,
      protocol: port.protocol,
      name: port.name,
      labels: port.labels,
    }),
  )
  const container = update.container ?? { type: 'MESOS' as const, volumes: [] }
  update.container = { ...container, portMappings: container.portMappings ?? mappings }
}
