import type { AppService, PodService, Service } from '../model.ts'

/** What one instance needs of an offer, beside its place. */
export interface Demand {
  readonly cpus: number
  readonly mem: number
  readonly disk: number
  readonly gpus: number
  /** A number wanted exactly, 0 for any, undefined for none; in the order of the service's ports. */
  readonly ports: readonly (number | undefined)[]
}

/** What an instance of the service needs (contract 12). */
export const demandOf = (service: Service): Demand => (service.kind === 'app' ? appDemand(service) : podDemand(service))

function appDemand({ spec }: AppService): Demand {
  const own = spec.executor !== '' && spec.executor !== '//cmd'
  const executor = own ? (spec.executorResources ?? { cpus: 0.1, mem: 32, disk: 10 }) : { cpus: 0, mem: 0, disk: 0 }
  const host = spec.networks.every(network => network.mode === 'host')
  const ports = host
    ? (spec.portDefinitions ?? []).map(definition => (spec.requirePorts ? definition.port : 0))
    : (spec.container?.portMappings ?? []).map(mapping => mapping.hostPort)
  return {
    cpus: spec.cpus + executor.cpus,
    mem: spec.mem + executor.mem,
    disk: spec.disk + executor.disk,
    gpus: spec.gpus,
    ports,
  }
}

function podDemand({ spec }: PodService): Demand {
  const sum = (of: (resources: { cpus: number; mem: number; disk: number; gpus: number }) => number): number =>
    spec.containers.reduce((total, container) => total + of(container.resources), 0)
  return {
    cpus: sum(one => one.cpus) + spec.executorResources.cpus,
    mem: sum(one => one.mem) + spec.executorResources.mem,
    disk: sum(one => one.disk) + spec.executorResources.disk,
    gpus: sum(one => one.gpus),
    ports: spec.containers.flatMap(container => container.endpoints.map(endpoint => endpoint.hostPort)),
  }
}
