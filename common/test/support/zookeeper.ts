import { join } from 'node:path'
import { loadClient } from '../../src/coordination/zookeeper/client.ts'
import {
  type EnsembleMember,
  startZookeeperServer,
  type ZookeeperServer,
  zookeeperReady,
  zookeeperServerMissing,
} from '../../src/coordination/zookeeper-server.ts'
import { systemClock } from '../../src/service/clock.ts'
import { endsWithTest } from './ends-with-test.ts'
import { freePorts } from './ports.ts'

/** Why tests on a real ZooKeeper are skipped; false when they run. */
export async function zookeeperSkip(): Promise<string | false> {
  const missing = zookeeperServerMissing()
  if (missing !== undefined) return missing
  return loadClient().then(
    () => false,
    (error: Error) => error.message,
  )
}

const clock = systemClock

/** A real ZooKeeper server on loopback, standing alone; `folder` is a temporary one of the test, whose data is taken up again. */
export async function realZookeeper(folder: string, port?: number): Promise<ZookeeperServer> {
  const server = await startZookeeperServer({ clock, folder, clientPort: port ?? (await freePorts(1))[0]! })
  endsWithTest(server.process)
  await zookeeperReady(server, clock)
  return server
}

/** An ensemble of three, and how to start a member of it again. */
export async function realEnsemble(folder: string) {
  const ports = await freePorts(9)
  const members: EnsembleMember[] = [1, 2, 3].map(id => ({
    id,
    host: '127.0.0.1',
    peerPort: ports[id * 3 - 3]!,
    electionPort: ports[id * 3 - 2]!,
  }))
  const start = async (id: number) => {
    const server = await startZookeeperServer({
      clock,
      folder: join(folder, `${id}`),
      clientPort: ports[id * 3 - 1]!,
      ensemble: { id, members },
    })
    endsWithTest(server.process)
    return server
  }
  const servers = await Promise.all([1, 2, 3].map(start))
  await Promise.all(servers.map(server => zookeeperReady(server, clock)))
  return { servers, start }
}
