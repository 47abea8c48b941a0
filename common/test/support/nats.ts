import { type NatsServer, natsServerMissing, startNatsServer } from '../../src/messaging/nats-server.ts'
import { systemClock } from '../../src/service/clock.ts'
import { endsWithTest } from './ends-with-test.ts'
import { freePorts } from './ports.ts'

/** Why tests on a real NATS server are skipped; false when they run. */
export const natsSkip = natsServerMissing() ?? false

/** A real NATS server on loopback; `folder` is a temporary one of the test. Stop it: `server.process.stop()`. */
export async function realNats(folder: string, port?: number, config?: string): Promise<NatsServer> {
  const server = await startNatsServer({
    clock: systemClock,
    folder,
    port: port ?? (await freePorts(1))[0]!,
    ...(config === undefined ? {} : { config }),
  })
  endsWithTest(server.process)
  return server
}
