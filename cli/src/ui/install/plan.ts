import { type Body, num, object, objects, text } from '../model/body.ts'
import type { Model } from '../model/model.ts'

/** An app that an installation will start. */
export interface PlannedApp {
  readonly id: string
  readonly instances: number
  /** Of one instance: cores, MiB, MiB, GPUs. */
  readonly cpus: number
  readonly mem: number
  readonly disk: number
  readonly gpus: number
  readonly ports: readonly string[]
  readonly vips: readonly string[]
  readonly names: readonly string[]
  /** Its page below the router. */
  readonly page: string | undefined
  readonly checks: number
}

/** The apps of a rendered definition: an app, or a group with apps and groups in it. */
export function plannedApps(rendered: unknown, parent = ''): PlannedApp[] {
  const body = object(rendered)
  const id = absolute(text(body.id), parent)
  const inner = [...objects(body.groups), ...objects(body.apps)]
  if (inner.length > 0) return inner.flatMap(child => plannedApps(child, id))
  return [plannedApp(id, body)]
}

const absolute = (id: string, parent: string): string => (id.startsWith('/') ? id : `${parent}/${id}`)

function plannedApp(id: string, body: Body): PlannedApp {
  const labels = object(body.labels)
  const container = object(body.container)
  const ports = [...objects(body.portDefinitions), ...objects(container.portMappings)]
  const service = text(labels.DCOS_SERVICE_NAME)
  return {
    id,
    instances: body.instances === undefined ? 1 : num(body.instances),
    cpus: body.cpus === undefined ? 1 : num(body.cpus),
    mem: body.mem === undefined ? 128 : num(body.mem),
    disk: num(body.disk),
    gpus: num(body.gpus),
    ports: ports.map(portText),
    vips: ports.flatMap(port =>
      Object.entries(object(port.labels)).flatMap(([name, value]) =>
        /^vip/i.test(name) ? [vipName(text(value))] : [],
      ),
    ),
    names: [nameOf(id)],
    page: service === '' ? undefined : `/service/${service}/`,
    checks: objects(body.healthChecks).length,
  }
}

/** The DNS name of an app. */
export const nameOf = (id: string): string => `${id.split('/').filter(Boolean).reverse().join('-')}.marathon.mesos`

function portText(port: Body, index: number): string {
  const name = text(port.name) || `port ${index}`
  const fixed = num(port.port) || num(port.hostPort)
  return `${name} ${fixed > 0 ? fixed : 'any'}/${text(port.protocol) || 'tcp'}`
}

/** `/web:80` as the name that the balancer gives it; an address stays as it is. */
function vipName(vip: string): string {
  const [, name, port] = /^\/?([^:]+):(\d+)$/.exec(vip) ?? []
  if (name === undefined || !vip.startsWith('/')) return vip
  return `${name.replaceAll('/', '')}.marathon.l4lb.thisdcos.directory:${port}`
}

/** On how many agents, of how many, one instance fits now. */
export function room(app: PlannedApp, model: Model): { readonly fitting: number; readonly agents: number } {
  let fitting = 0
  let agents = 0
  for (const [, agent] of model.all('agent')) {
    if (agent.active !== true) continue
    agents += 1
    const whole = object(agent.resources)
    const used = object(agent.used_resources)
    const has = (name: string, wanted: number) => num(whole[name]) - num(used[name]) >= wanted - 1e-6
    if (has('cpus', app.cpus) && has('mem', app.mem) && has('disk', app.disk) && has('gpus', app.gpus)) fitting += 1
  }
  return { fitting, agents }
}
