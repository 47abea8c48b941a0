/** What ZooKeeper says of a znode. */
export interface Stat {
  readonly version: number
  /** Whether it is ephemeral and of this very session. */
  readonly createdInThisSession: boolean
}

export interface Acl {
  readonly perms: number
  readonly scheme: string
  readonly auth: string
}

type Done<Answers extends unknown[]> = (code: number, message: string, ...answers: Answers) => void

/** The parts of the `zookeeper` package that are used. Each call answers 0 when it was taken; else its callback is not called. */
export interface Client {
  readonly state: number
  init(config: Readonly<Record<string, unknown>>): unknown
  close(): unknown
  on(event: 'connect' | 'connecting', listener: () => void): unknown
  on(event: 'close', listener: (client: unknown, code: number) => void): unknown
  on(event: 'created' | 'deleted' | 'changed' | 'child', listener: (client: unknown, path: string) => void): unknown
  a_create(path: string, data: Buffer, flags: number, done: Done<[path: string]>): number
  a_exists(path: string, watch: boolean, done: Done<[stat: Stat | null]>): number
  a_get(path: string, watch: boolean, done: Done<[stat: Stat | null, data: Buffer | null]>): number
  a_get_children(path: string, watch: boolean, done: Done<[names: string[] | null]>): number
  a_set(path: string, data: Buffer, version: number, done: Done<[stat: Stat | null]>): number
  a_delete_(path: string, version: number, done: Done<[]>): number
  a_sync(path: string, done: Done<[path: string]>): number
  a_set_acl(path: string, version: number, acl: readonly Acl[], done: Done<[]>): number
  add_auth(scheme: string, auth: string, done: Done<[]>): number
}

/** Result codes of ZooKeeper. */
export const code = {
  ok: 0,
  runtimeInconsistency: -2,
  dataInconsistency: -3,
  connectionLoss: -4,
  operationTimeout: -7,
  invalidState: -9,
  noNode: -101,
  noAuth: -102,
  badVersion: -103,
  nodeExists: -110,
  notEmpty: -111,
  sessionExpired: -112,
  authFailed: -115,
  closing: -116,
  sessionMoved: -118,
} as const

export const ephemeralSequential = 3

/** `Client.state` while it has a connection. */
export const connectedState = 3

const everything = 31
const read = 1
/** Its creator may do everything, the world may read: what existing tools expect with credentials (Mesos contract 8.5). */
export const creatorAll: readonly Acl[] = [
  { perms: everything, scheme: 'auth', auth: '' },
  { perms: read, scheme: 'world', auth: 'anyone' },
]

/** The ZooKeeper client could not be loaded: it was not compiled when the dependencies were installed. */
export class ZookeeperMissingError extends Error {
  constructor(cause: unknown) {
    super(
      'the ZooKeeper client is not installed on this machine, since it is compiled at installation and no compiler was found: ' +
        'install build-essential and python3 (apt-get install build-essential python3), remove node_modules, and repeat npm start',
      { cause },
    )
    this.name = 'ZookeeperMissingError'
  }
}

/** Loads the client library, only now. Throws ZookeeperMissingError. */
export async function loadClient(load: () => Promise<unknown> = loadPackage): Promise<new (config: object) => Client> {
  try {
    const loaded = (await load()) as { default: new (config: object) => Client }
    return loaded.default
  } catch (error) {
    throw new ZookeeperMissingError(error)
  }
}

/** The name is no literal: the package is optional, and its absence no error of the compiler. */
function loadPackage(): Promise<unknown> {
  const name: string = 'zookeeper'
  return import(name)
}
