import type { Instance, InstanceTask } from './instance.ts'
import { runsOnAgent } from './launch/app-task.ts'
import { addressesOf } from './lifecycle.ts'
import type { AppHealthCheck, AppService, Millis } from './model.ts'
import type { State } from './state.ts'

/** A check that Marathon itself runs against one task, as long as the task is there. */
export interface Probe {
  /** Unique among all probes. */
  readonly key: string
  readonly kind: 'health' | 'readiness'
  readonly instance: string
  readonly taskId: string
  readonly index: number
  readonly scheme: 'tcp' | 'http' | 'https'
  readonly host: string
  readonly port: number
  readonly path: string
  readonly interval: Millis
  readonly timeout: Millis
  readonly first: Millis
  /** Of a readiness check. */
  readonly name?: string
  readonly readyStatuses?: readonly number[]
  readonly keepResponse?: boolean
}

/** The first check comes early, so that what starts quickly counts quickly (contract 4.4). */
const firstAfter = 5_000

/** The probes an instance wants now; none unless it runs. */
export function probesOf(state: State, instance: Instance): Probe[] {
  const service = state.launchedWith(instance)
  const [task] = instance.tasks
  if (service?.kind !== 'app' || task === undefined || instance.condition !== 'Running') return []
  const probes: Probe[] = []
  service.spec.healthChecks.forEach((check, index) => {
    const probe = runsOnAgent(check) ? undefined : healthProbe(service, instance, task, check, index)
    if (probe !== undefined) probes.push(probe)
  })
  const readiness = readinessProbe(state, service, instance, task)
  return readiness === undefined ? probes : [...probes, readiness]
}

interface Address {
  readonly host: string
  readonly port: number
}

/** The agent and a host port, or where the port has none the task's own address. */
function addressOf(service: AppService, instance: Instance, task: InstanceTask, index: number): Address | undefined {
  const port = task.hostPorts[index]
  if (port !== null && port !== undefined)
    return instance.placement === undefined ? undefined : { host: instance.placement.hostname, port }
  const mapping = service.spec.container?.portMappings?.[index]
  const [address] = addressesOf(task)
  return mapping === undefined || address === undefined
    ? undefined
    : { host: address.ipAddress, port: mapping.containerPort }
}

function healthProbe(
  service: AppService,
  instance: Instance,
  task: InstanceTask,
  check: AppHealthCheck,
  index: number,
): Probe | undefined {
  const found =
    check.port !== undefined
      ? instance.placement && { host: instance.placement.hostname, port: check.port }
      : addressOf(service, instance, task, check.portIndex ?? 0)
  if (found === undefined) return undefined
  const interval = check.intervalSeconds * 1000
  return {
    key: `health ${task.id} ${index}`,
    kind: 'health',
    instance: instance.id,
    taskId: task.id,
    index,
    scheme: check.protocol === 'TCP' ? 'tcp' : check.protocol === 'HTTPS' ? 'https' : 'http',
    ...found,
    path: check.path ?? '/',
    interval,
    timeout: check.timeoutSeconds * 1000,
    first: Math.min(interval, firstAfter),
  }
}

/** Only during deployments, and only until it is passed (contract 4.4). */
function readinessProbe(state: State, service: AppService, instance: Instance, task: InstanceTask): Probe | undefined {
  const [check] = service.spec.readinessChecks
  if (check === undefined || !state.lockedBy.has(instance.service) || state.ready.get(instance.id)?.ready)
    return undefined
  const ports = service.spec.container?.portMappings ?? service.spec.portDefinitions ?? []
  const index = ports.findIndex(port => port.name === check.portName)
  const found = addressOf(service, instance, task, index)
  if (found === undefined) return undefined
  return {
    key: `readiness ${task.id}`,
    kind: 'readiness',
    instance: instance.id,
    taskId: task.id,
    index,
    scheme: check.protocol === 'HTTPS' ? 'https' : 'http',
    ...found,
    path: check.path,
    interval: check.intervalSeconds * 1000,
    timeout: check.timeoutSeconds * 1000,
    first: 0,
    name: check.name,
    readyStatuses: check.httpStatusCodesForReady,
    keepResponse: check.preserveLastResponse,
  }
}
