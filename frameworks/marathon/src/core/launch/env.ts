import type { Environment } from '@meseta/common/protocol/mesos'
import type { EnvValue } from '../model.ts'

/** One port as the environment tells of it. */
export interface EnvPort {
  /** The port asked for in the definition, 0 for any. */
  readonly requested: number
  /** The port to use. */
  readonly assigned: number
  readonly name?: string
}

const shout = (name: string): string => name.replace(/[^A-Za-z0-9_]/g, '_').toUpperCase()

/** Longer names and values are left out (contract 10). */
const maxLabelName = 493
const maxLabelValue = 512

/** `MARATHON_APP_LABELS` and one variable for each label. */
export function labelVariables(prefix: string, labels: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(labels).filter(
    ([key, value]) => key.length < maxLabelName && value.length < maxLabelValue,
  )
  const env: Record<string, string> = { [`${prefix}LABELS`]: kept.map(([key]) => shout(key)).join(' ') }
  for (const [key, value] of kept) env[`${prefix}LABEL_${shout(key)}`] = value
  return env
}

/** `HOST`, `PORT0..n`, `PORT`, `PORTS`, `PORT_<requested>`, `PORT_<NAME>`; `prefix` is `--env_vars_prefix`. */
export function portVariables(host: string, ports: readonly EnvPort[], prefix: string): Record<string, string> {
  const env: Record<string, string> = { [`${prefix}HOST`]: host }
  ports.forEach((port, index) => {
    env[`${prefix}PORT${index}`] = String(port.assigned)
    env[`${prefix}PORT_${port.requested === 0 ? port.assigned : port.requested}`] = String(port.assigned)
    if (port.name !== undefined) env[`${prefix}PORT_${shout(port.name)}`] = String(port.assigned)
  })
  if (ports.length > 0) {
    env[`${prefix}PORT`] = String(ports[0]?.assigned)
    env[`${prefix}PORTS`] = ports.map(port => port.assigned).join(',')
  }
  return env
}

/** `ENDPOINT_<NAME>`, `EP_HOST_<NAME>`, `EP_CONTAINER_<NAME>` of a pod. */
export function endpointVariables(
  endpoints: readonly { name: string; hostPort: number | null; containerPort: number | undefined }[],
): Record<string, string> {
  const env: Record<string, string> = {}
  for (const { name, hostPort, containerPort } of endpoints) {
    const key = shout(name)
    const inside = containerPort ?? hostPort
    if (inside !== null && inside !== undefined) {
      env[`ENDPOINT_${key}`] = String(inside)
      env[`EP_CONTAINER_${key}`] = String(inside)
    }
    if (hostPort !== null) env[`EP_HOST_${key}`] = String(hostPort)
  }
  return env
}

/** The variables as Mesos takes them, by name. Secrets never come here: what uses them is not launched. */
export function toEnvironment(env: Readonly<Record<string, EnvValue>>): Environment {
  const variables = Object.entries(env).flatMap(([name, value]) => (typeof value === 'string' ? [{ name, value }] : []))
  return { variables: variables.sort((a, b) => (a.name < b.name ? -1 : 1)) }
}
