import { commonFlags } from '@meseta/common/service/common-flags'
import { defineFlags, type FlagValues } from '@meseta/common/service/flags'
import type { Settings } from './core/model.ts'

/** Marathon's flags by its own names (contract 14), where this version knows what to do with them. */
export const flags = defineFlags({
  ...commonFlags(8080),
  master: {
    type: 'string',
    required: true,
    help: 'The masters: http://host:5050, several separated by commas, or zk://host:2181/mesos.',
  },
  framework_name: { type: 'string', default: 'marathon', help: 'The name the framework has at the master.' },
  mesos_role: {
    type: 'string',
    default: '*',
    help: 'The role of services outside of groups that have one of their own.',
  },
  mesos_user: { type: 'string', help: 'The user that tasks run as; the one this process runs as unless given.' },
  failover_timeout: {
    type: 'number',
    default: 604_800,
    help: 'Seconds that tasks live on while no Marathon is connected.',
  },
  webui_url: {
    type: 'string',
    help: 'The address of the web interface, told to the master; this server unless given.',
  },
  mesos_authentication_principal: {
    type: 'string',
    help: 'Who Marathon proves to masters to be; with --mesos_authentication_secret_file.',
  },
  mesos_authentication_secret_file: {
    type: 'string',
    help: 'The file that holds the secret of --mesos_authentication_principal, and nothing else.',
  },
  mesos_leader_ui_url: { type: 'string', help: 'The address of the master for browsers, told by /v2/info.' },
  store_path: { type: 'string', default: '/marathon', help: 'The folder of the records in the store.' },
  leader_path: { type: 'string', default: '/marathon/leader', help: 'The folder of the candidates for leadership.' },
  enable_features: {
    type: 'list',
    default: ['vips', 'task_killing', 'external_volumes', 'secrets', 'gpu_resources'],
    help: 'What definitions may use beside the basics.',
  },
  default_network_name: { type: 'string', help: 'The network of containers that name none.' },
  default_accepted_resource_roles: {
    type: 'string',
    default: 'any',
    choices: ['any', 'unreserved', 'reserved'],
    help: 'Which resources a service takes that says nothing of it.',
  },
  new_group_enforce_role: {
    type: 'string',
    default: 'off',
    choices: ['off', 'top'],
    help: 'Whether new top-level groups give their role to the services in them.',
  },
  local_port_min: { type: 'number', default: 10_000, help: 'The first service port that is given out.' },
  local_port_max: { type: 'number', default: 20_000, help: 'The last service port that is given out.' },
  max_apps: { type: 'number', help: 'How many apps and pods there may be.' },
  max_running_deployments: { type: 'number', default: 100, help: 'How many deployments may run at a time.' },
  max_instances_per_offer: { type: 'number', default: 5, help: 'How many instances are launched on one offer.' },
  launch_tokens: {
    type: 'number',
    default: 100,
    help: 'How many launches there are in 30 s, beside one for each that has come to run.',
  },
  decline_offer_duration: {
    type: 'number',
    default: 120_000,
    help: 'How long an unused offer is not wanted again, ms.',
  },
  min_revive_offers_interval: {
    type: 'number',
    default: 5_000,
    help: 'Time between requests for offers in the long run, ms.',
  },
  task_launch_timeout: {
    type: 'number',
    default: 300_000,
    help: 'How long a launched task may take to run, ms; then it is ended and launched again.',
  },
  draining_seconds: { type: 'number', default: 0, help: 'Agents are not used this long before their maintenance.' },
  env_vars_prefix: { type: 'string', default: '', help: 'Put before the names of HOST and PORT variables of tasks.' },
  drain_delay: {
    type: 'duration',
    default: 1_000,
    help: 'Time between the sign to routers that an instance is going and its end, in upgrades and scaling down.',
  },
  http_max_concurrent_requests: { type: 'number', default: 1_000, help: 'Requests at a time; one more gets 503.' },
  access_control_allow_origin: { type: 'list', default: [], help: 'Origins of web pages that may read the API.' },
})

export type Flags = FlagValues<typeof flags>

/** The settings that deciding depends on. */
export function settingsOf(given: Flags): Settings {
  return {
    mesosRole: given.mesos_role,
    features: new Set(given.enable_features),
    ...(given.default_network_name !== undefined && { defaultNetworkName: given.default_network_name }),
    newGroupEnforceRole: given.new_group_enforce_role as Settings['newGroupEnforceRole'],
    servicePortMin: given.local_port_min,
    servicePortMax: given.local_port_max,
    ...(given.max_apps !== undefined && { maxApps: given.max_apps }),
    maxRunningDeployments: given.max_running_deployments,
    defaultAcceptedRoles: given.default_accepted_resource_roles as Settings['defaultAcceptedRoles'],
    envPrefix: given.env_vars_prefix,
    maxInstancesPerOffer: given.max_instances_per_offer,
    launchTokens: given.launch_tokens,
    declineFor: given.decline_offer_duration,
    drainDelay: given.drain_delay,
    drainingSeconds: given.draining_seconds,
    taskLaunchTimeout: given.task_launch_timeout,
    reviveInterval: given.min_revive_offers_interval,
  }
}
