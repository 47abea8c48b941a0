import { Refusal } from './errors.ts'
import type { App, Root, Service, Settings } from './model.ts'
import type { PathId } from './paths.ts'

const portsOf = (app: App): number[] => [
  ...(app.portDefinitions ?? []).map(definition => definition.port),
  ...(app.container?.portMappings ?? []).map(mapping => mapping.servicePort),
]

/**
 * Gives each port 0 of the changed apps a service port: the one the same app had at that place, else the next free one
 * of the range (contract 12). `known` is the root before the change.
 */
export function assignServicePorts(
  services: Map<PathId, Service>,
  changed: readonly PathId[],
  known: Root,
  settings: Settings,
): void {
  const open = changed.filter(id => {
    const service = services.get(id)
    return service?.kind === 'app' && portsOf(service.spec).includes(0)
  })
  if (open.length === 0) return
  const used = new Set<number>()
  for (const service of services.values())
    if (service.kind === 'app') for (const port of portsOf(service.spec)) used.add(port)
  const promised = new Set<number>()
  for (const id of open) {
    const before = known.services.get(id)
    if (before?.kind === 'app') for (const port of portsOf(before.spec)) promised.add(port)
  }
  let next = settings.servicePortMin
  const free = (): number => {
    while (used.has(next) || promised.has(next)) next += 1
    if (next > settings.servicePortMax)
      throw new Refusal(
        422,
        `No service port is free between ${settings.servicePortMin} and ${settings.servicePortMax} (--local_port_min, --local_port_max).`,
      )
    used.add(next)
    return next
  }
  for (const id of open) {
    const service = services.get(id)
    if (service?.kind !== 'app') continue
    const before = known.services.get(id)
    const had = before?.kind === 'app' ? portsOf(before.spec) : []
    const keep = (index: number): number => {
      const previous = had[index]
      if (previous === undefined || previous === 0 || used.has(previous)) return free()
      used.add(previous)
      return previous
    }
    services.set(id, { ...service, spec: withPorts(service.spec, keep) })
  }
}

function withPorts(app: App, choose: (index: number) => number): App {
  const count = app.portDefinitions?.length ?? 0
  const portDefinitions = app.portDefinitions?.map((one, index) =>
    one.port === 0 ? { ...one, port: choose(index) } : one,
  )
  const mappings = app.container?.portMappings?.map((one, index) =>
    one.servicePort === 0 ? { ...one, servicePort: choose(count + index) } : one,
  )
  return {
    ...app,
    ...(portDefinitions && { portDefinitions }),
    ...(mappings && app.container && { container: { ...app.container, portMappings: mappings } }),
  }
}
