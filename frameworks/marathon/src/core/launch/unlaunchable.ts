import type { Service } from '../model.ts'

/** Why no instance of a service can be launched by this version, whatever is offered. */
export interface Unlaunchable {
  readonly code: string
  readonly sentence: string
}

/** What the definition asks for and this version does not do: its instances wait, and say so. */
export function unlaunchable(service: Service): Unlaunchable | undefined {
  const volumes = service.kind === 'app' ? (service.spec.container?.volumes ?? []) : service.spec.volumes
  if (volumes.some(volume => volume.persistent !== undefined))
    return {
      code: 'PERSISTENT_VOLUMES_UNSUPPORTED',
      sentence:
        'it has a persistent volume, and reserving disk for one is not supported yet; use a host volume or remove it',
    }
  if (volumes.some(volume => 'external' in volume && volume.external !== undefined))
    return {
      code: 'EXTERNAL_VOLUMES_UNSUPPORTED',
      sentence: 'it has an external volume, and external storage is not supported yet; use a host volume or remove it',
    }
  return usesSecrets(service)
    ? {
        code: 'SECRETS_UNSUPPORTED',
        sentence:
          'it uses a secret, and there is no secret store yet; put the value into its environment or fetch it as a file',
      }
    : undefined
}

function usesSecrets(service: Service): boolean {
  const isSecret = (env: Record<string, unknown>): boolean =>
    Object.values(env).some(value => typeof value !== 'string')
  if (service.kind === 'app') {
    const { container, env } = service.spec
    return (
      isSecret(env) ||
      container?.docker?.pullConfig !== undefined ||
      (container?.volumes ?? []).some(volume => volume.secret !== undefined)
    )
  }
  const { spec } = service
  return (
    isSecret(spec.environment) ||
    spec.volumes.some(volume => volume.secret !== undefined) ||
    spec.containers.some(one => isSecret(one.environment) || one.image?.pullConfig !== undefined)
  )
}
