import type { Problems } from '../errors.ts'
import type {
  EnvValue,
  ExecutorResources,
  Fetch,
  Limit,
  Network,
  PersistentInfo,
  UnreachableStrategy,
  UpgradeStrategy,
} from '../model.ts'

/** The longest time a definition may name, in seconds: what 64 bits of nanoseconds hold. */
const longestTime = 9_223_372_036

/** Rules that apps and pods share (contract 3, 4, 8). Each notes what it forbids at `path`. */
export class Rules {
  readonly problems: Problems

  constructor(problems: Problems) {
    this.problems = problems
  }

  fail(path: string, error: string): void {
    this.problems.add(path, error)
  }

  between(path: string, value: number | undefined, least: number, most: number): void {
    if (value === undefined) return
    if (value < least) this.fail(path, `got ${value}, expected ${least} or more`)
    else if (value > most) this.fail(path, `got ${value}, expected ${most} or less`)
  }

  atLeast(path: string, value: number | undefined, least: number): void {
    this.between(path, value, least, Number.POSITIVE_INFINITY)
  }

  seconds(path: string, value: number | undefined): void {
    this.between(path, value, 0, longestTime)
  }

  unique(path: string, values: readonly (string | number | undefined)[], what: string): void {
    const known = values.filter(value => value !== undefined)
    if (new Set(known).size < known.length) this.fail(path, `${what} must be unique`)
  }

  upgrade(path: string, strategy: UpgradeStrategy): void {
    this.between(`${path}/minimumHealthCapacity`, strategy.minimumHealthCapacity, 0, 1)
    this.between(`${path}/maximumOverCapacity`, strategy.maximumOverCapacity, 0, 1)
  }

  backoff(path: string, names: [string, string, string], values: [number, number, number]): void {
    this.seconds(`${path}/${names[0]}`, values[0])
    this.atLeast(`${path}/${names[1]}`, values[1], 1)
    this.seconds(`${path}/${names[2]}`, values[2])
  }

  unreachable(path: string, strategy: UnreachableStrategy, resident: boolean): void {
    if (resident && strategy !== 'disabled') {
      this.fail(path, "unreachable strategy must be 'disabled' for services with persistent volumes")
      return
    }
    if (strategy === 'disabled') return
    this.seconds(`${path}/inactiveAfterSeconds`, strategy.inactiveAfterSeconds)
    this.seconds(`${path}/expungeAfterSeconds`, strategy.expungeAfterSeconds)
    if (strategy.inactiveAfterSeconds > strategy.expungeAfterSeconds)
      this.fail(
        `${path}/inactiveAfterSeconds`,
        `got ${strategy.inactiveAfterSeconds}, must be less than or equal to expungeAfterSeconds (${strategy.expungeAfterSeconds})`,
      )
  }

  executorResources(path: string, resources: ExecutorResources | undefined): void {
    if (resources === undefined) return
    this.atLeast(`${path}/cpus`, resources.cpus, 0.1)
    this.atLeast(`${path}/mem`, resources.mem, 32)
    this.atLeast(`${path}/disk`, resources.disk, 10)
  }

  limits(
    path: string,
    limits: { cpus?: Limit; mem?: Limit } | undefined,
    requests: { cpus: number; mem: number },
  ): void {
    for (const name of ['cpus', 'mem'] as const) {
      const limit = limits?.[name]
      if (typeof limit === 'number' && limit < requests[name])
        this.fail(`${path}/${name}`, `limit ${limit} is less than the request ${requests[name]}`)
    }
  }

  environment(
    path: string,
    env: Record<string, EnvValue>,
    secrets: Record<string, unknown> | undefined,
    name?: RegExp,
  ): void {
    for (const [key, value] of Object.entries(env)) {
      if (key === '') this.fail(path, 'the name of a variable must not be empty')
      else if (name !== undefined && !name.test(key)) this.fail(`${path}/${key}`, `must fully match '${name.source}'`)
      if (typeof value !== 'string' && !Object.hasOwn(secrets ?? {}, value.secret))
        this.fail(`${path}/${key}/secret`, `must be a defined secret: '${value.secret}' is not in 'secrets'`)
    }
  }

  secrets(path: string, secrets: Record<string, unknown> | undefined, features: ReadonlySet<string>): void {
    if (secrets !== undefined && Object.keys(secrets).length > 0 && !features.has('secrets'))
      this.fail(path, 'Feature secrets is not enabled. Enable with --enable_features secrets')
  }

  fetch(path: string, items: readonly Fetch[]): void {
    items.forEach((item, index) => {
      if (item.uri.length < 1 || item.uri.length > 1024)
        this.fail(`${path}(${index})/uri`, 'must have between 1 and 1024 characters')
      else if (!isUri(item.uri)) this.fail(`${path}(${index})/uri`, 'URI has invalid syntax.')
    })
  }

  networks(path: string, networks: readonly Network[]): void {
    const count = (mode: string): number => networks.filter(network => network.mode === mode).length
    const [hosts, bridges, containers] = [count('host'), count('container/bridge'), count('container')]
    const fine =
      (hosts === 1 && networks.length === 1) ||
      (bridges === 1 && networks.length === 1) ||
      (containers >= 1 && containers === networks.length)
    if (!fine)
      this.fail(path, 'must have exactly one host network, or one bridge network, or one or more container networks')
    networks.forEach((network, index) => {
      const at = `${path}(${index})`
      if (network.mode !== 'container' && network.name !== undefined)
        this.fail(`${at}/name`, `is not allowed for mode ${network.mode}`)
      if (network.mode === 'host' && network.labels !== undefined)
        this.fail(`${at}/labels`, 'is not allowed for mode host')
      if (network.mode === 'container' && (network.name ?? '') === '')
        this.fail(`${at}/name`, 'must be given for mode container, as there is no --default_network_name')
    })
    this.unique(
      path,
      networks.map(network => network.name),
      'network names',
    )
  }

  persistent(path: string, info: PersistentInfo): void {
    if (info.size <= 0) this.fail(`${path}/size`, `got ${info.size}, expected more than 0`)
    if (info.maxSize !== undefined) {
      if (info.type !== 'mount') this.fail(`${path}/maxSize`, 'only mount volumes can have maxSize')
      else if (info.maxSize <= info.size)
        this.fail(`${path}/maxSize`, `got ${info.maxSize}, expected more than size (${info.size})`)
    }
    if (info.type === 'root' && info.constraints.length > 0)
      this.fail(`${path}/constraints`, 'constraints on root volumes are not supported')
    info.constraints.forEach((constraint, index) => {
      const [field, operator, value] = constraint
      if (
        constraint.length !== 3 ||
        field !== 'path' ||
        !['LIKE', 'UNLIKE'].includes(operator ?? '') ||
        !isRegex(value)
      )
        this.fail(`${path}/constraints(${index})`, "must be ['path', 'LIKE' or 'UNLIKE', a regular expression]")
    })
  }
}

export function isRegex(text: string | undefined): boolean {
  if (text === undefined || text.length > 1024) return false
  try {
    new RegExp(`^(?:${text})$`)
    return true
  } catch {
    return false
  }
}

/** A URI of any scheme, or a path, as java.net.URI takes it. */
const isUri = (text: string): boolean => !/[\s<>"{}|\\^`]/.test(text) && !/%(?![0-9a-fA-F]{2})/.test(text)
