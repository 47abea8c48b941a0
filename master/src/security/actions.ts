/**
 * What may be allowed or denied, and what it is done to: the names of Mesos's ACLs (Mesos contract 8.2). Those of containers, sandboxes and
 * images are the agents'; they stand here so that one file serves both.
 */
export const objectsOf = {
  register_frameworks: 'roles',
  run_tasks: 'users',
  teardown_frameworks: 'framework_principals',
  reserve_resources: 'roles',
  unreserve_resources: 'reserver_principals',
  create_volumes: 'roles',
  destroy_volumes: 'creator_principals',
  resize_volumes: 'roles',
  create_block_disks: 'roles',
  destroy_block_disks: 'roles',
  create_mount_disks: 'roles',
  destroy_mount_disks: 'roles',
  destroy_raw_disks: 'roles',
  get_quotas: 'roles',
  update_quotas: 'roles',
  view_roles: 'roles',
  update_weights: 'roles',
  get_endpoints: 'paths',
  view_frameworks: 'users',
  view_tasks: 'users',
  view_executors: 'users',
  access_sandboxes: 'users',
  access_mesos_logs: 'logs',
  view_flags: 'flags',
  set_log_level: 'level',
  register_agents: 'agents',
  get_maintenance_schedules: 'machines',
  update_maintenance_schedules: 'machines',
  start_maintenances: 'machines',
  stop_maintenances: 'machines',
  get_maintenance_statuses: 'machines',
  mark_agents_gone: 'agents',
  drain_agents: 'agents',
  deactivate_agents: 'agents',
  reactivate_agents: 'agents',
  mark_resource_providers_gone: 'resource_providers',
  modify_resource_provider_configs: 'resource_providers',
  view_resource_providers: 'resource_providers',
  view_containers: 'users',
  attach_containers_input: 'users',
  attach_containers_output: 'users',
  launch_nested_containers_as_user: 'users',
  launch_nested_containers_under_parent_with_user: 'users',
  launch_nested_container_sessions_as_user: 'users',
  launch_nested_container_sessions_under_parent_with_user: 'users',
  kill_nested_containers: 'users',
  wait_nested_containers: 'users',
  remove_nested_containers: 'users',
  launch_standalone_containers: 'users',
  kill_standalone_containers: 'users',
  wait_standalone_containers: 'users',
  remove_standalone_containers: 'users',
  view_standalone_containers: 'users',
  prune_images: 'images',
} as const satisfies Record<string, string>

export type Action = keyof typeof objectsOf
export type ObjectKind = (typeof objectsOf)[Action]

/** Things that are not told apart: a rule names all of them or none. */
export const undivided: ReadonlySet<ObjectKind> = new Set([
  'logs',
  'flags',
  'level',
  'agents',
  'machines',
  'resource_providers',
  'images',
] as const)

/**
 * Who may do what to what. Pure and quick: it is asked for each task of a launch and for each object of an answer. A `principal` that is
 * undefined has not said who it is; an `object` that is undefined stands for any of its kind.
 */
export interface Authorizer {
  allows(principal: string | undefined, action: Action, object?: string): boolean
  /** Whether it is allowed for every object that there can be. */
  allowsEvery(principal: string | undefined, action: Action): boolean
}

/** Without rules everybody may do everything. */
export const allowsAll: Authorizer = { allows: () => true, allowsEvery: () => true }
