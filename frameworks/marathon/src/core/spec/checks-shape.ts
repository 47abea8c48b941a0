import { type AppCheck, type AppHealthCheck, healthProtocols, type ReadinessCheck } from '../model.ts'
import { choice, defined, flag, integer, list, object, type Read, text } from '../shape.ts'
import { execCommand } from './common-shape.ts'

export const healthCheck: Read<AppHealthCheck> = object(fields => {
  const protocol = fields.read('protocol', choice(healthProtocols)) ?? 'HTTP'
  const port = fields.read('port', integer)
  const portIndex = fields.read('portIndex', integer)
  const speaksHttp = protocol.endsWith('HTTP') || protocol.endsWith('HTTPS')
  return defined<AppHealthCheck>({
    protocol,
    path: fields.read('path', text) ?? (speaksHttp ? '/' : undefined),
    port,
    portIndex: portIndex ?? (protocol === 'COMMAND' || port !== undefined ? undefined : 0),
    command: fields.read(
      'command',
      object(inner => {
        const value = inner.need('value', text)
        return value === undefined ? undefined : { value }
      }),
    ),
    ignoreHttp1xx: fields.read('ignoreHttp1xx', flag) ?? false,
    ipProtocol: fields.read('ipProtocol', choice(['IPv4', 'IPv6'])) ?? 'IPv4',
    gracePeriodSeconds: fields.read('gracePeriodSeconds', integer) ?? 300,
    intervalSeconds: fields.read('intervalSeconds', integer) ?? 60,
    timeoutSeconds: fields.read('timeoutSeconds', integer) ?? 20,
    maxConsecutiveFailures: fields.read('maxConsecutiveFailures', integer) ?? 3,
    delaySeconds: fields.read('delaySeconds', integer) ?? 15,
  })
})

const checkPort = { port: integer, portIndex: integer }

export const check: Read<AppCheck> = object(fields =>
  defined<AppCheck>({
    http: fields.read(
      'http',
      object(inner =>
        defined({
          portIndex: inner.read('portIndex', checkPort.portIndex) ?? (inner.has('port') ? undefined : 0),
          port: inner.read('port', checkPort.port),
          path: inner.read('path', text),
          scheme: inner.read('scheme', choice(['HTTP', 'HTTPS'])) ?? ('HTTP' as const),
        }),
      ),
    ),
    tcp: fields.read(
      'tcp',
      object(inner =>
        defined({
          portIndex: inner.read('portIndex', checkPort.portIndex) ?? (inner.has('port') ? undefined : 0),
          port: inner.read('port', checkPort.port),
        }),
      ),
    ),
    exec: fields.read('exec', execCommand),
    intervalSeconds: fields.read('intervalSeconds', integer) ?? 60,
    timeoutSeconds: fields.read('timeoutSeconds', integer) ?? 20,
    delaySeconds: fields.read('delaySeconds', integer) ?? 15,
  }),
)

export const readinessCheck: Read<ReadinessCheck> = object(fields => ({
  name: fields.read('name', text) ?? 'readinessCheck',
  protocol: fields.read('protocol', choice(['HTTP', 'HTTPS'])) ?? 'HTTP',
  path: fields.read('path', text) ?? '/',
  portName: fields.read('portName', text) ?? 'http-api',
  intervalSeconds: fields.read('intervalSeconds', integer) ?? 30,
  timeoutSeconds: fields.read('timeoutSeconds', integer) ?? 10,
  httpStatusCodesForReady: fields.read('httpStatusCodesForReady', list(integer)) ?? [200],
  preserveLastResponse: fields.read('preserveLastResponse', flag) ?? false,
}))
