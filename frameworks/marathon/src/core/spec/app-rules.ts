import type { Problems } from '../errors.ts'
import type { App, Settings } from '../model.ts'
import { checkServiceId } from '../paths.ts'
import { checkChecks } from './app-check-rules.ts'
import { checkConstraint } from './constraint-rules.ts'
import { checkContainer } from './container-rules.ts'
import { Rules } from './rules.ts'

const executorForm = /^((\/\/cmd)|(\/?[^/]+(\/[^/]+)*))?$/
const portName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/

/** The rules of contract 3 and 4 for a complete app. */
export function checkApp(app: App, path: string, settings: Settings, problems: Problems): void {
  const rules = new Rules(problems)
  checkServiceId(app.id, `${path}/id`, problems)
  checkCommand(rules, path, app)
  checkResources(rules, path, app, settings)
  checkPlacement(rules, path, app)
  checkPorts(rules, path, app)
  checkContainer(rules, path, app, settings)
  checkChecks(rules, path, app)
  rules.environment(`${path}/env`, app.env, app.secrets)
  rules.secrets(`${path}/secrets`, app.secrets, settings.features)
  rules.fetch(`${path}/fetch`, app.fetch)
  rules.backoff(
    path,
    ['backoffSeconds', 'backoffFactor', 'maxLaunchDelaySeconds'],
    [app.backoffSeconds, app.backoffFactor, app.maxLaunchDelaySeconds],
  )
  rules.seconds(`${path}/taskKillGracePeriodSeconds`, app.taskKillGracePeriodSeconds)
  checkUpgrade(rules, path, app)
  checkLabels(rules, path, app)
  app.dependencies.forEach((id, index) => {
    if (id === app.id) rules.fail(`${path}/dependencies(${index})`, 'an app can not depend on itself')
  })
}

function checkCommand(rules: Rules, path: string, app: App): void {
  if (app.cmd !== undefined && app.args !== undefined)
    rules.fail(
      path,
      "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'. Both 'cmd' and 'args' were given.",
    )
  const runsImage = (app.container?.docker?.image ?? '') !== '' || app.container?.type === 'MESOS'
  if (app.cmd === undefined && app.args === undefined && !runsImage)
    rules.fail(path, "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'.")
  if (app.cmd !== undefined && app.cmd.length <= 1) rules.fail(`${path}/cmd`, 'must have more than one character')
  if (!executorForm.test(app.executor)) rules.fail(`${path}/executor`, "must be '', '//cmd' or a path to an executor")
}

function checkResources(rules: Rules, path: string, app: App, settings: Settings): void {
  rules.atLeast(`${path}/instances`, app.instances, 0)
  rules.atLeast(`${path}/cpus`, app.cpus, 0.001)
  rules.atLeast(`${path}/mem`, app.mem, 0)
  rules.atLeast(`${path}/disk`, app.disk, 0)
  rules.atLeast(`${path}/gpus`, app.gpus, 0)
  rules.limits(`${path}/resourceLimits`, app.resourceLimits, app)
  rules.executorResources(`${path}/executorResources`, app.executorResources)
  if (app.gpus > 0) {
    if (!settings.features.has('gpu_resources'))
      rules.fail(`${path}/gpus`, 'Feature gpu_resources is not enabled. Enable with --enable_features gpu_resources')
    if (app.container?.type === 'DOCKER')
      rules.fail(`${path}/gpus`, 'GPU resources are not supported with the DOCKER containerizer')
  }
}

function checkPlacement(rules: Rules, path: string, app: App): void {
  for (const [index, one] of app.constraints.entries()) checkConstraint(rules, `${path}/constraints(${index})`, one)
  rules.unique(
    `${path}/constraints`,
    app.constraints.map(one => JSON.stringify(one)),
    'constraints',
  )
  checkAcceptedRoles(rules, `${path}/acceptedResourceRoles`, app.acceptedResourceRoles, app.role)
  const resident = app.container?.volumes.some(volume => volume.persistent !== undefined)
  if (resident && app.acceptedResourceRoles !== undefined && app.acceptedResourceRoles.join() !== '*')
    rules.fail(`${path}/acceptedResourceRoles`, "must be ['*'] for apps with persistent volumes")
}

/** The roles of resources that may be used are `*` and the service's own (contract 3). */
export function checkAcceptedRoles(
  rules: Rules,
  path: string,
  accepted: readonly string[] | undefined,
  role: string,
): void {
  if (accepted === undefined) return
  if (accepted.length === 0) rules.fail(path, 'must not be empty')
  const foreign = accepted.filter(one => one !== '*' && one !== role)
  if (foreign.length > 0)
    rules.fail(
      path,
      `acceptedResourceRoles can only contain '*' and '${role}', the role of the service; got ${foreign.join(', ')}`,
    )
}

function checkPorts(rules: Rules, path: string, app: App): void {
  rules.networks(`${path}/networks`, app.networks)
  const host = app.networks.every(network => network.mode === 'host')
  if (!host && (app.portDefinitions?.length ?? 0) > 0)
    rules.fail(`${path}/portDefinitions`, 'are only allowed with networking mode host; use container.portMappings')
  if (host && (app.container?.portMappings?.length ?? 0) > 0)
    rules.fail(`${path}/container/portMappings`, 'are not allowed with networking mode host; use portDefinitions')
  const definitions = app.portDefinitions ?? []
  definitions.forEach((definition, index) => {
    rules.between(`${path}/portDefinitions(${index})/port`, definition.port, 0, 65535)
    if (definition.name !== undefined && !portName.test(definition.name))
      rules.fail(`${path}/portDefinitions(${index})/name`, `must fully match '${portName.source}'`)
  })
  rules.unique(
    `${path}/portDefinitions`,
    definitions.map(one => one.name),
    'port names',
  )
  rules.unique(
    `${path}/portDefinitions`,
    definitions.map(one => one.port || undefined),
    'ports',
  )
}

function checkUpgrade(rules: Rules, path: string, app: App): void {
  rules.upgrade(`${path}/upgradeStrategy`, app.upgradeStrategy)
  const resident = (app.container?.volumes ?? []).some(volume => volume.persistent !== undefined)
  if (resident && app.upgradeStrategy.maximumOverCapacity !== 0)
    rules.fail(`${path}/upgradeStrategy/maximumOverCapacity`, 'must be 0 for apps with persistent volumes')
  rules.unreachable(`${path}/unreachableStrategy`, app.unreachableStrategy, resident)
}

function checkLabels(rules: Rules, path: string, app: App): void {
  const { labels } = app
  if (labels.MARATHON_SINGLE_INSTANCE_APP === 'true') {
    if (app.instances > 1) rules.fail(`${path}/instances`, 'must be 0 or 1 with the label MARATHON_SINGLE_INSTANCE_APP')
    const { minimumHealthCapacity, maximumOverCapacity } = app.upgradeStrategy
    if (minimumHealthCapacity !== 0 || maximumOverCapacity !== 0)
      rules.fail(
        `${path}/upgradeStrategy`,
        'minimumHealthCapacity and maximumOverCapacity must both be 0 with the label MARATHON_SINGLE_INSTANCE_APP',
      )
  }
  const migration = labels.DCOS_MIGRATION_API_VERSION
  if (migration !== undefined) {
    if (migration !== 'v1') rules.fail(`${path}/labels/DCOS_MIGRATION_API_VERSION`, "only 'v1' is supported")
    for (const name of ['DCOS_MIGRATION_API_PATH', 'DCOS_PACKAGE_FRAMEWORK_NAME'])
      if ((labels[name] ?? '') === '')
        rules.fail(`${path}/labels/${name}`, 'must not be empty when DCOS_MIGRATION_API_VERSION is set')
  }
  const gpu = labels.GPU_SCHEDULING_BEHAVIOR
  if (gpu !== undefined && gpu !== 'restricted' && gpu !== 'unrestricted')
    rules.fail(`${path}/labels/GPU_SCHEDULING_BEHAVIOR`, "must be 'restricted' or 'unrestricted'")
}
