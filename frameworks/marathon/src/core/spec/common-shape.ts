import type {
  Fetch,
  KillSelection,
  LinuxInfo,
  Network,
  PersistentInfo,
  UnreachableStrategy,
  UpgradeStrategy,
} from '../model.ts'
import {
  choice,
  defined,
  dictionary,
  Fields,
  flag,
  integer,
  list,
  long,
  number,
  object,
  type Read,
  text,
} from '../shape.ts'

export const labels = dictionary(text)

export const envValue: Read<string | { secret: string }> = (value, path, problems) => {
  if (typeof value === 'string') return value
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const secret = new Fields(value as Record<string, unknown>, path, problems).need('secret', text)
    return secret === undefined ? undefined : { secret }
  }
  problems.add(path, 'error.expected.jsstring')
  return undefined
}

export const environment = dictionary(envValue)

export const secrets = dictionary(
  object(fields => {
    const source = fields.need('source', text)
    return source === undefined ? undefined : { source }
  }),
)

/** `docker`-era names are lower case on the wire; the old `bridge` is not one of them. */
export const network: Read<Network> = object(fields =>
  defined<Network>({
    mode: fields.read('mode', choice(['host', 'container/bridge', 'container'])) ?? 'container',
    name: fields.read('name', text),
    labels: fields.read('labels', labels),
  }),
)

export const fetchItem: Read<Fetch> = object(fields => {
  const uri = fields.need('uri', text)
  if (uri === undefined) return undefined
  return defined<Fetch>({
    uri,
    extract: fields.read('extract', flag) ?? true,
    executable: fields.read('executable', flag) ?? false,
    cache: fields.read('cache', flag) ?? false,
    destPath: fields.read('destPath', text),
  })
})

export const linuxInfo: Read<LinuxInfo> = object(fields =>
  defined<LinuxInfo>({
    seccomp: fields.read(
      'seccomp',
      object(inner =>
        defined({
          profileName: inner.read('profileName', text),
          unconfined: inner.read('unconfined', flag) ?? false,
        }),
      ),
    ),
    ipcInfo: fields.read(
      'ipcInfo',
      object(inner => {
        const mode = inner.need('mode', choice(['PRIVATE', 'SHARE_PARENT']))
        return mode === undefined ? undefined : defined({ mode, shmSize: inner.read('shmSize', integer) })
      }),
    ),
  }),
)

export const persistent: Read<PersistentInfo> = object(fields => {
  const size = fields.need('size', long)
  if (size === undefined) return undefined
  return defined<PersistentInfo>({
    type: fields.read('type', choice(['root', 'path', 'mount'])) ?? 'root',
    size,
    maxSize: fields.read('maxSize', long),
    profileName: fields.read('profileName', text),
    constraints: fields.read('constraints', list(list(text, 3))) ?? [],
  })
})

export const upgradeStrategy: Read<UpgradeStrategy> = object(fields => ({
  minimumHealthCapacity: fields.read('minimumHealthCapacity', number) ?? 1,
  maximumOverCapacity: fields.read('maximumOverCapacity', number) ?? 1,
}))

export const killSelection: Read<KillSelection> = choice(['YOUNGEST_FIRST', 'OLDEST_FIRST'])

export const unreachableStrategy: Read<UnreachableStrategy> = (value, path, problems) => {
  if (value === 'disabled') return 'disabled'
  return object(fields => ({
    inactiveAfterSeconds: fields.read('inactiveAfterSeconds', long) ?? 0,
    expungeAfterSeconds: fields.read('expungeAfterSeconds', long) ?? 0,
  }))(value, path, problems)
}

export const resourceLimits = object(fields => {
  const limit: Read<number | 'unlimited'> = (value, path, problems) =>
    value === 'unlimited' ? 'unlimited' : number(value, path, problems)
  return defined({ cpus: fields.read('cpus', limit), mem: fields.read('mem', limit) })
})

export const executorResources = object(fields => ({
  cpus: fields.read('cpus', number) ?? 0.1,
  mem: fields.read('mem', number) ?? 32,
  disk: fields.read('disk', number) ?? 10,
}))

/** A command as an object: exactly one of `shell` and `argv`. */
export const command: Read<{ shell: string } | { argv: string[] }> = object(fields => {
  const shell = fields.read('shell', text)
  const argv = fields.read('argv', list(text))
  if (shell !== undefined && argv === undefined) return { shell }
  if (argv !== undefined && shell === undefined) return { argv }
  fields.problems.add(fields.path, "must have exactly one of 'shell' and 'argv'")
  return undefined
})

export const execCommand = object(fields => {
  const read = fields.need('command', command)
  return read === undefined ? undefined : { command: read }
})
