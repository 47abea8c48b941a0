import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../service/clock.ts'
import { ask, type ServerProcess, spawnServer, untilReady } from './server-process.ts'

/** Where Debian's package `zookeeper` puts the server's classes. */
export const defaultClasspath = '/usr/share/java/*:/etc/zookeeper/conf'

/** Another member of the ensemble. */
export interface EnsembleMember {
  readonly id: number
  readonly host: string
  readonly peerPort: number
  readonly electionPort: number
}

export interface ZookeeperServerOptions {
  readonly clock: Clock
  /** Its data, configuration and log; its own. */
  readonly folder: string
  readonly clientPort: number
  readonly host?: string
  /** This server's number, 1 to 255, and all members, itself included. Without them it stands alone. */
  readonly ensemble?: { readonly id: number; readonly members: readonly EnsembleMember[] }
  /** Its unit of time, milliseconds; sessions last 2 to 20 of them. 500. */
  readonly tickTime?: number
  readonly java?: string
  readonly classpath?: string
}

export interface ZookeeperServer {
  readonly process: ServerProcess
  readonly clientPort: number
  readonly logFile: string
}

/** Whether a ZooKeeper server can be started here, or what is missing. */
export function zookeeperServerMissing(java = '/usr/bin/java'): string | undefined {
  if (!existsSync(java)) return `there is no ${java}: apt-get install default-jre-headless`
  if (!existsSync('/usr/share/java/zookeeper.jar')) return 'there is no ZooKeeper server: apt-get install zookeeper'
  return undefined
}

/** What the server says of itself: `standalone`, `leader` or `follower`; undefined while it does not serve. */
export async function zookeeperMode(
  clientPort: number,
  host = '127.0.0.1',
  timeout = 500,
): Promise<string | undefined> {
  const answer = await ask(clientPort, host, 'srvr', timeout, true)
  return /^Mode: (\w+)$/m.exec(answer ?? '')?.[1]
}

/** Starts a server, without waiting for it to serve: the members of an ensemble wait for each other. Data in the folder is taken up again. */
export async function startZookeeperServer(options: ZookeeperServerOptions): Promise<ZookeeperServer> {
  const { folder, clientPort, clock, java = '/usr/bin/java', classpath = defaultClasspath } = options
  mkdirSync(folder, { recursive: true })
  const config = join(folder, 'zoo.cfg')
  writeFileSync(config, configuration(options))
  if (options.ensemble) writeFileSync(join(folder, 'myid'), `${options.ensemble.id}\n`)
  const logFile = join(folder, 'zookeeper.log')
  const args = [
    '-Xmx96m',
    '-XX:+UseSerialGC',
    '-cp',
    classpath,
    'org.apache.zookeeper.server.quorum.QuorumPeerMain',
    config,
  ]
  return { process: await spawnServer({ command: java, args, logFile, clock }), clientPort, logFile }
}

/** Resolves when the server serves; throws ServerStartError. */
export async function zookeeperReady(server: ZookeeperServer, clock: Clock, timeout = 30_000): Promise<void> {
  const { clientPort, logFile, process: own } = server
  const what = `ZooKeeper on port ${clientPort}`
  await untilReady({
    clock,
    server: own,
    what,
    logFile,
    timeout,
    isReady: async () => (await zookeeperMode(clientPort)) !== undefined,
  })
}

function configuration({
  folder,
  clientPort,
  host = '127.0.0.1',
  ensemble,
  tickTime = 500,
}: ZookeeperServerOptions): string {
  const lines = [
    `tickTime=${tickTime}`,
    'initLimit=20',
    'syncLimit=10',
    `dataDir=${folder}`,
    `clientPort=${clientPort}`,
    `clientPortAddress=${host}`,
    'maxClientCnxns=0',
    'admin.enableServer=false',
    '4lw.commands.whitelist=srvr,ruok,mntr',
    'autopurge.snapRetainCount=3',
    'autopurge.purgeInterval=1',
  ]
  const members = ensemble?.members ?? []
  const servers = members.map(
    ({ id, host, peerPort, electionPort }) => `server.${id}=${host}:${peerPort}:${electionPort}`,
  )
  return `${[...lines, ...servers].join('\n')}\n`
}
