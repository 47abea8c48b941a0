import type { Settings } from '../../src/core/model.ts'

/** The settings of a Marathon with nothing special about it. */
export const settings: Settings = {
  mesosRole: '*',
  features: new Set(['vips', 'task_killing', 'external_volumes', 'secrets', 'gpu_resources']),
  newGroupEnforceRole: 'off',
  servicePortMin: 10_000,
  servicePortMax: 20_000,
  maxRunningDeployments: 100,
  defaultAcceptedRoles: 'any',
  envPrefix: '',
  maxInstancesPerOffer: 5,
  launchTokens: 100,
  declineFor: 120_000,
  drainDelay: 1_000,
  drainingSeconds: 0,
  taskLaunchTimeout: 300_000,
  reviveInterval: 5_000,
}
