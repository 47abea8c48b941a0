import type { FrameworkInfo, FrameworkInfoCapabilityType } from '@meseta/common/protocol/mesos'
import type { Flags } from '../flags.ts'

/** What the master is told of this framework; its roles follow the services (contract 13, Capabilities). */
export function frameworkInfo(given: Flags, webuiUrl: string, user: string): Omit<FrameworkInfo, 'roles' | 'id'> {
  const always: FrameworkInfoCapabilityType[] = [
    'PARTITION_AWARE',
    'REGION_AWARE',
    'MULTI_ROLE',
    'RESERVATION_REFINEMENT',
  ]
  const features = new Set(given.enable_features)
  const byFeature: FrameworkInfoCapabilityType[] = []
  if (features.has('task_killing')) byFeature.push('TASK_KILLING_STATE')
  if (features.has('gpu_resources')) byFeature.push('GPU_RESOURCES')
  return {
    name: given.framework_name,
    user,
    ...(given.mesos_authentication_principal !== undefined && { principal: given.mesos_authentication_principal }),
    checkpoint: true,
    failover_timeout: given.failover_timeout,
    hostname: given.hostname ?? given.ip,
    webui_url: webuiUrl,
    capabilities: [...always, ...byFeature].map(type => ({ type })),
  }
}
