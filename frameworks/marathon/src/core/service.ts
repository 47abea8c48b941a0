import type { KillSelection, Service, UnreachableStrategy, UpgradeStrategy } from './model.ts'
import type { PathId } from './paths.ts'

/** What apps and pods have in common, asked in one place. */
export const idOf = (service: Service): PathId => service.spec.id

export const instancesOf = (service: Service): number =>
  service.kind === 'app' ? service.spec.instances : service.spec.scaling.instances

export function withInstances(service: Service, instances: number): Service {
  return service.kind === 'app'
    ? { ...service, spec: { ...service.spec, instances } }
    : { ...service, spec: { ...service.spec, scaling: { ...service.spec.scaling, instances } } }
}

export const upgradeOf = (service: Service): UpgradeStrategy =>
  service.kind === 'app' ? service.spec.upgradeStrategy : service.spec.scheduling.upgrade

export const killSelectionOf = (service: Service): KillSelection =>
  service.kind === 'app' ? service.spec.killSelection : service.spec.scheduling.killSelection

export const unreachableOf = (service: Service): UnreachableStrategy =>
  service.kind === 'app' ? service.spec.unreachableStrategy : service.spec.scheduling.unreachableStrategy

export const dependenciesOf = (service: Service): readonly PathId[] =>
  service.kind === 'app' ? service.spec.dependencies : []

/** Constraints as `[field, OPERATOR, value?]`. */
export const constraintsOf = (service: Service): readonly (readonly string[])[] =>
  service.kind === 'app'
    ? service.spec.constraints
    : service.spec.scheduling.placement.constraints.map(one =>
        one.value === undefined ? [one.fieldName, one.operator] : [one.fieldName, one.operator, one.value],
      )

export const acceptedRolesOf = (service: Service): readonly string[] =>
  service.kind === 'app'
    ? (service.spec.acceptedResourceRoles ?? [])
    : service.spec.scheduling.placement.acceptedResourceRoles

export interface BackoffSettings {
  readonly backoff: number
  readonly factor: number
  readonly max: number
}

/** Seconds. */
export const backoffOf = (service: Service): BackoffSettings =>
  service.kind === 'app'
    ? {
        backoff: service.spec.backoffSeconds,
        factor: service.spec.backoffFactor,
        max: service.spec.maxLaunchDelaySeconds,
      }
    : {
        backoff: service.spec.scheduling.backoff.backoff,
        factor: service.spec.scheduling.backoff.backoffFactor,
        max: service.spec.scheduling.backoff.maxLaunchDelay,
      }

/** Whether its instances own storage that must outlive them (a persistent volume). */
export function isResident(service: Service): boolean {
  return service.kind === 'app'
    ? (service.spec.container?.volumes ?? []).some(volume => volume.persistent !== undefined)
    : service.spec.volumes.some(volume => volume.persistent !== undefined)
}

/** Whether an instance listens somewhere, so that others may hold connections to it. */
export function hasPorts(service: Service): boolean {
  if (service.kind === 'pod') return service.spec.containers.some(container => container.endpoints.length > 0)
  const { container, portDefinitions } = service.spec
  return (container?.portMappings?.length ?? 0) > 0 || (portDefinitions?.length ?? 0) > 0
}

export const hasHealthChecks = (service: Service): boolean =>
  service.kind === 'app'
    ? service.spec.healthChecks.length > 0
    : service.spec.containers.some(container => container.healthCheck !== undefined)

export const hasReadinessChecks = (service: Service): boolean =>
  service.kind === 'app' && service.spec.readinessChecks.length > 0
