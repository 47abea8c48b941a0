import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { loadClient } from '@meseta/common/coordination/zookeeper/client'
import {
  startZookeeperServer,
  type ZookeeperServer,
  zookeeperReady,
  zookeeperServerMissing,
} from '@meseta/common/coordination/zookeeper-server'
import { systemClock } from '@meseta/common/service/clock'

/** Why tests on a real ZooKeeper are skipped; false when they run. */
export const zookeeperSkip = (): Promise<string | false> =>
  loadClient().then(
    () => zookeeperServerMissing() ?? false,
    (error: Error) => error.message,
  )

/** A real ZooKeeper server on loopback that ends with this process; `folder` is a temporary one of the test. */
export async function realZookeeper(folder: string): Promise<ZookeeperServer> {
  const holder = createServer()
  const clientPort = await listening(holder)
  await new Promise(resolve => holder.close(resolve))
  const server = await startZookeeperServer({ clock: systemClock, folder, clientPort })
  const end = (): void => server.process.signal('SIGKILL')
  process.once('exit', end)
  void server.process.exited.then(() => process.removeListener('exit', end))
  await zookeeperReady(server, systemClock)
  return server
}

/** A way to a port of this machine that can be cut while both ends live. */
export class Wire {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #cut = false

  private constructor(server: Server, target: number) {
    this.#server = server
    server.on('connection', near => this.#join(near, connect({ port: target, host: '127.0.0.1' })))
  }

  static async to(target: number): Promise<{ wire: Wire; port: number }> {
    const server = createServer()
    return { wire: new Wire(server, target), port: await listening(server) }
  }

  /** Nothing gets through any more, and neither end is told. */
  cut(): void {
    this.#cut = true
  }

  /** What was connected is broken; new connections get through. */
  mend(): void {
    this.#cut = false
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.mend()
    await new Promise(resolve => this.#server.close(resolve))
  }

  #join(near: Socket, far: Socket): void {
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from)
      from.on('data', data => {
        if (!this.#cut) to.write(data)
      })
      from.on('error', () => from.destroy())
      from.on('close', () => {
        this.#sockets.delete(from)
        to.destroy()
      })
    }
  }
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}
