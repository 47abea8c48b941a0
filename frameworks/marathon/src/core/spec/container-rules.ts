import type { App, AppVolume, Container, Settings } from '../model.ts'
import type { Rules } from './rules.ts'

const name = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/

/** The rules of contract 4.1 to 4.3. */
export function checkContainer(rules: Rules, path: string, app: App, settings: Settings): void {
  const { container } = app
  if (container === undefined) return
  const at = `${path}/container`
  checkEngine(rules, at, container, app)
  checkMappings(rules, `${at}/portMappings`, app)
  for (const [index, volume] of container.volumes.entries())
    checkVolume(rules, `${at}/volumes(${index})`, volume, app, settings)
  const external = container.volumes.map(volume => (volume.external?.shared ? undefined : volume.external?.name))
  rules.unique(`${at}/volumes`, external, 'names of external volumes')
}

function checkEngine(rules: Rules, at: string, container: Container, app: App): void {
  const { docker } = container
  if (container.type === 'DOCKER') {
    if (docker === undefined) rules.fail(`${at}/docker`, "must be given for a container of type 'DOCKER'")
    else if (docker.image === '') rules.fail(`${at}/docker/image`, 'must not be empty')
    if (docker?.pullConfig !== undefined)
      rules.fail(`${at}/docker/pullConfig`, "must be empty for a container of type 'DOCKER'")
    if (app.networks.length > 1) rules.fail(`${at}/networks`, 'a DOCKER container may have at most one network')
  } else if (docker !== undefined) {
    if (docker.image === '') rules.fail(`${at}/docker/image`, 'must not be empty')
    if (docker.privileged) rules.fail(`${at}/docker/privileged`, "is only for a container of type 'DOCKER'")
    const secret = docker.pullConfig?.secret
    if (secret !== undefined && !Object.hasOwn(app.secrets ?? {}, secret))
      rules.fail(`${at}/docker/pullConfig/secret`, `must be a defined secret: '${secret}' is not in 'secrets'`)
  }
  const seccomp = container.linuxInfo?.seccomp
  if (seccomp !== undefined && seccomp.unconfined === (seccomp.profileName !== undefined))
    rules.fail(`${at}/linuxInfo/seccomp`, 'must have either a profileName or unconfined: true')
}

function checkMappings(rules: Rules, at: string, app: App): void {
  const mappings = app.container?.portMappings ?? []
  const networks = app.networks.filter(network => network.mode === 'container').map(network => network.name)
  mappings.forEach((mapping, index) => {
    const one = `${at}(${index})`
    rules.between(`${one}/containerPort`, mapping.containerPort, 0, 65535)
    rules.between(`${one}/hostPort`, mapping.hostPort, 0, 65535)
    rules.between(`${one}/servicePort`, mapping.servicePort, 0, 65535)
    if (mapping.name !== undefined && !name.test(mapping.name))
      rules.fail(`${one}/name`, `must fully match '${name.source}'`)
    const named = mapping.networkNames ?? []
    for (const network of named)
      if (!networks.includes(network))
        rules.fail(`${one}/networkNames`, `must name a network of this app: '${network}' is none`)
    if (networks.length > 1 && mapping.hostPort !== undefined && named.length !== 1)
      rules.fail(`${one}/networkNames`, 'must name exactly one network when there are several and a hostPort is given')
  })
  rules.unique(
    at,
    mappings.map(one => one.name),
    'port names',
  )
}

function checkVolume(rules: Rules, at: string, volume: AppVolume, app: App, settings: Settings): void {
  const kinds = (['hostPath', 'persistent', 'external', 'secret'] as const).filter(kind => volume[kind] !== undefined)
  if (kinds.length !== 1) rules.fail(at, 'must have exactly one of hostPath, persistent, external and secret')
  if (volume.containerPath === '') rules.fail(`${at}/containerPath`, 'must not be empty')
  if (volume.secret !== undefined) {
    if (!Object.hasOwn(app.secrets ?? {}, volume.secret))
      rules.fail(`${at}/secret`, `must be a defined secret: '${volume.secret}' is not in 'secrets'`)
    return
  }
  if (volume.mode === undefined) rules.fail(`${at}/mode`, 'must be given: RO or RW')
  if (volume.persistent !== undefined) {
    rules.persistent(`${at}/persistent`, volume.persistent)
    if (volume.mode !== 'RW') rules.fail(`${at}/mode`, 'must be RW for a persistent volume')
    if (volume.containerPath.includes('/') || volume.containerPath === '.' || volume.containerPath === '..')
      rules.fail(`${at}/containerPath`, "must not contain '/' and must not be '.' or '..' for a persistent volume")
  }
  if (volume.external !== undefined) checkExternal(rules, at, volume.external, settings)
}

const accessModes = [
  'UNKNOWN',
  'SINGLE_NODE_WRITER',
  'SINGLE_NODE_READER_ONLY',
  'MULTI_NODE_READER_ONLY',
  'MULTI_NODE_SINGLE_WRITER',
  'MULTI_NODE_MULTI_WRITER',
]

function checkExternal(
  rules: Rules,
  at: string,
  external: NonNullable<AppVolume['external']>,
  settings: Settings,
): void {
  if (!settings.features.has('external_volumes'))
    rules.fail(
      `${at}/external`,
      'Feature external_volumes is not enabled. Enable with --enable_features external_volumes',
    )
  if ((external.name ?? '') === '') rules.fail(`${at}/external/name`, 'must not be empty')
  if (external.provider !== 'dvdi' && external.provider !== 'csi')
    rules.fail(`${at}/external/provider`, `unknown provider '${external.provider}': must be dvdi or csi`)
  const options = external.options
  const isObject = typeof options === 'object' && options !== null && !Array.isArray(options)
  if (!isObject) {
    rules.fail(`${at}/external/options`, 'must be an object')
    return
  }
  const given = options as Record<string, unknown>
  if (external.provider === 'dvdi' && typeof given['dvdi/driver'] !== 'string')
    rules.fail(`${at}/external/options/dvdi~1driver`, "must name the driver: 'dvdi/driver'")
  if (external.provider !== 'csi') return
  if (typeof given.pluginName !== 'string') rules.fail(`${at}/external/options/pluginName`, 'must be given')
  const capability = given.capability
  const access = typeof capability === 'object' && capability !== null ? (capability as Record<string, unknown>) : {}
  if (!accessModes.includes(String(access.accessMode)))
    rules.fail(`${at}/external/options/capability/accessMode`, `must be one of ${accessModes.join(', ')}`)
  if (access.accessType !== 'mount' && access.accessType !== 'block')
    rules.fail(`${at}/external/options/capability/accessType`, 'must be mount or block')
}
