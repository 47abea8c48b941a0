import type { App, AppCheck, AppHealthCheck } from '../model.ts'
import type { Rules } from './rules.ts'

/** The rules of contract 4.4: health checks, the check, readiness checks. */
export function checkChecks(rules: Rules, path: string, app: App): void {
  for (const [index, check] of app.healthChecks.entries())
    checkHealthCheck(rules, `${path}/healthChecks(${index})`, check, app)
  if (app.healthChecks.filter(check => check.protocol.startsWith('MESOS_')).length > 1)
    rules.fail(`${path}/healthChecks`, 'AppDefinition can contain at most one Mesos health check')
  if (app.healthChecks.filter(check => check.protocol === 'COMMAND').length > 1)
    rules.fail(`${path}/healthChecks`, 'AppDefinition can contain at most one COMMAND health check')
  if (app.check !== undefined) checkCheck(rules, `${path}/check`, app.check, app)
  checkReadiness(rules, `${path}/readinessChecks`, app)
}

/** How many ports a port index can name. */
export const portCount = (app: App): number =>
  app.networks.every(network => network.mode === 'host')
    ? (app.portDefinitions?.length ?? 0)
    : (app.container?.portMappings?.length ?? 0)

function checkIndex(rules: Rules, at: string, index: number | undefined, app: App): void {
  if (index !== undefined && (index < 0 || index >= portCount(app)))
    rules.fail(
      at,
      `Health check port indices must address an element of the ports array or container port mappings: ${index} is not among the ${portCount(app)} ports`,
    )
}

function checkHealthCheck(rules: Rules, at: string, check: AppHealthCheck, app: App): void {
  rules.seconds(`${at}/gracePeriodSeconds`, check.gracePeriodSeconds)
  rules.seconds(`${at}/intervalSeconds`, check.intervalSeconds)
  rules.seconds(`${at}/timeoutSeconds`, check.timeoutSeconds)
  rules.seconds(`${at}/delaySeconds`, check.delaySeconds)
  rules.atLeast(`${at}/maxConsecutiveFailures`, check.maxConsecutiveFailures, 0)
  rules.between(`${at}/port`, check.port, 1, 65535)
  if (check.protocol === 'COMMAND') {
    if (check.command === undefined) rules.fail(`${at}/command`, 'must be given for protocol COMMAND')
  } else {
    if (check.command !== undefined) rules.fail(`${at}/command`, 'is only for protocol COMMAND')
    if (check.port === undefined) checkIndex(rules, `${at}/portIndex`, check.portIndex, app)
  }
  if (check.ipProtocol === 'IPv6' && !(check.protocol.startsWith('MESOS_') && app.container?.type === 'DOCKER'))
    rules.fail(
      `${at}/ipProtocol`,
      'IPv6 is only supported by MESOS_HTTP, MESOS_HTTPS and MESOS_TCP with DOCKER containers',
    )
}

function checkCheck(rules: Rules, at: string, check: AppCheck, app: App): void {
  const kinds = [check.http, check.tcp, check.exec].filter(kind => kind !== undefined)
  if (kinds.length !== 1) rules.fail(at, 'must have exactly one of http, tcp and exec')
  if (app.container?.type === 'DOCKER') rules.fail(at, 'is not allowed with a container of type DOCKER')
  for (const [name, kind] of [
    ['http', check.http],
    ['tcp', check.tcp],
  ] as const)
    if (kind !== undefined && kind.port === undefined) checkIndex(rules, `${at}/${name}/portIndex`, kind.portIndex, app)
  rules.seconds(`${at}/intervalSeconds`, check.intervalSeconds)
  rules.seconds(`${at}/timeoutSeconds`, check.timeoutSeconds)
  rules.seconds(`${at}/delaySeconds`, check.delaySeconds)
}

function checkReadiness(rules: Rules, at: string, app: App): void {
  const names = [...(app.portDefinitions ?? []), ...(app.container?.portMappings ?? [])].map(port => port.name)
  if (app.readinessChecks.length > 1) rules.fail(at, 'at most one readiness check is supported')
  app.readinessChecks.forEach((check, index) => {
    const one = `${at}(${index})`
    if (check.name === '') rules.fail(`${one}/name`, 'must not be empty')
    if (!names.includes(check.portName))
      rules.fail(`${one}/portName`, `No port definition or mapping is named '${check.portName}'`)
    rules.seconds(`${one}/intervalSeconds`, check.intervalSeconds)
    rules.seconds(`${one}/timeoutSeconds`, check.timeoutSeconds)
    if (check.timeoutSeconds >= check.intervalSeconds)
      rules.fail(
        `${one}/timeoutSeconds`,
        `got ${check.timeoutSeconds}, expected less than the interval ${check.intervalSeconds}`,
      )
    if (check.httpStatusCodesForReady.length === 0) rules.fail(`${one}/httpStatusCodesForReady`, 'must not be empty')
  })
}
