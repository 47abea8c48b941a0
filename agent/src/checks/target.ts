import type { CheckInfo, CommandInfo, HealthCheck } from '@meseta/common/protocol/mesos'

/** What a check or health check looks at, whichever message it came in. */
export type CheckTarget =
  | { readonly type: 'COMMAND'; readonly command: CommandInfo }
  | {
      readonly type: 'HTTP'
      readonly host: string
      readonly scheme: string
      readonly port: number
      readonly path: string
    }
  | { readonly type: 'TCP'; readonly host: string; readonly port: number }

const hostFor = (protocol: string | undefined) => (protocol === 'IPv6' ? '::1' : '127.0.0.1')

/** The target of a health check; a missing type is inferred. Undefined when it names none. */
export function healthTarget({ type, command, http, tcp }: HealthCheck): CheckTarget | undefined {
  if (command !== undefined && (type === 'COMMAND' || type === undefined)) return { type: 'COMMAND', command }
  if (http !== undefined && (type === 'HTTP' || type === undefined)) {
    const { protocol, scheme = 'http', port, path = '/' } = http
    return { type: 'HTTP', host: hostFor(protocol), scheme, port, path }
  }
  if (tcp !== undefined && (type === 'TCP' || type === undefined))
    return { type: 'TCP', host: hostFor(tcp.protocol), port: tcp.port }
  return undefined
}

/** The target of a check. */
export function checkTarget({ type, command, http, tcp }: CheckInfo): CheckTarget | undefined {
  if (type === 'COMMAND' && command !== undefined) return { type, command: command.command }
  if (type === 'HTTP' && http !== undefined)
    return { type, host: hostFor(undefined), scheme: 'http', port: http.port, path: http.path ?? '/' }
  if (type === 'TCP' && tcp !== undefined) return { type, host: hostFor(undefined), port: tcp.port }
  return undefined
}
