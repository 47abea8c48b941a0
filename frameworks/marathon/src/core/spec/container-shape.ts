import type { AppVolume, Container, Docker, PortMapping } from '../model.ts'
import { choice, defined, flag, integer, list, object, type Read, text } from '../shape.ts'
import { labels, linuxInfo, persistent } from './common-shape.ts'

/** The container of an app as it was sent, with the forms of before Marathon 1.5 beside the canonical ones. */
export interface ContainerBody {
  container: Container
  dockerNetwork?: 'HOST' | 'BRIDGE' | 'USER' | 'NONE'
  dockerPortMappings?: PortMapping[]
}

export const protocol: Read<string> = (value, path, problems) => {
  const given = text(value, path, problems)
  if (given === undefined) return undefined
  const parts = given.split(',')
  if (parts.every(part => part === 'tcp' || part === 'udp') && new Set(parts).size === parts.length)
    return parts.length === 2 ? 'udp,tcp' : given
  problems.add(path, "error.unknown.enum.literal: one of tcp, udp, 'udp,tcp'")
  return undefined
}

export const portMapping: Read<PortMapping> = object(fields =>
  defined<PortMapping>({
    containerPort: fields.read('containerPort', integer) ?? 0,
    hostPort: fields.read('hostPort', integer),
    servicePort: fields.read('servicePort', integer) ?? 0,
    protocol: fields.read('protocol', protocol) ?? 'tcp',
    name: fields.read('name', text),
    labels: fields.read('labels', labels) ?? {},
    networkNames: fields.read('networkNames', list(text)),
  }),
)

const external: Read<NonNullable<AppVolume['external']>> = object(fields => {
  const provider = fields.need('provider', text)
  if (provider === undefined) return undefined
  return defined({
    name: fields.read('name', text),
    provider,
    options: fields.raw('options'),
    size: fields.read('size', integer),
    shared: fields.read('shared', flag),
  })
})

const volume: Read<AppVolume> = object(fields => {
  const containerPath = fields.need('containerPath', text)
  if (containerPath === undefined) return undefined
  return defined<AppVolume>({
    containerPath,
    mode: fields.read('mode', choice(['RO', 'RW'])),
    hostPath: fields.read('hostPath', text),
    persistent: fields.read('persistent', persistent),
    external: fields.read('external', external),
    secret: fields.read('secret', text),
  })
})

const parameter = object(fields => {
  const key = fields.need('key', text)
  const value = fields.need('value', text)
  return key === undefined || value === undefined ? undefined : { key, value }
})

export const containerBody: Read<ContainerBody> = object(fields => {
  const body: Partial<ContainerBody> = {}
  const docker = fields.read(
    'docker',
    object(inner => {
      body.dockerNetwork = inner.read('network', choice(['HOST', 'BRIDGE', 'USER', 'NONE']))
      body.dockerPortMappings = inner.read('portMappings', list(portMapping))
      if (inner.has('credential')) inner.problems.add(inner.at('credential'), 'must be empty: it was never implemented')
      return defined<Docker>({
        image: inner.read('image', text) ?? '',
        forcePullImage: inner.read('forcePullImage', flag) ?? false,
        privileged: inner.read('privileged', flag) ?? false,
        parameters: inner.read('parameters', list(parameter)) ?? [],
        pullConfig: inner.read(
          'pullConfig',
          object(pull => {
            const secret = pull.need('secret', text)
            return secret === undefined ? undefined : { secret }
          }),
        ),
      })
    }),
  )
  const container = defined<Container>({
    type: fields.read('type', choice(['MESOS', 'DOCKER'])) ?? 'DOCKER',
    docker,
    linuxInfo: fields.read('linuxInfo', linuxInfo),
    volumes: fields.read('volumes', list(volume)) ?? [],
    portMappings: fields.read('portMappings', list(portMapping)),
  })
  return { ...body, container }
})
