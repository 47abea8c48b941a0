import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ask, type ServerProcess, spawnServer, untilReady } from '../coordination/server-process.ts'
import type { Clock } from '../service/clock.ts'

/** Where Debian's package `nats-server` puts the program. */
export const defaultNatsServer = '/usr/sbin/nats-server'

export interface NatsServerOptions {
  readonly clock: Clock
  /** Its log; its own. */
  readonly folder: string
  readonly port: number
  readonly host?: string
  readonly command?: string
  /** Further configuration, in the server's own language: who may speak, and about what. */
  readonly config?: string
}

export interface NatsServer {
  readonly process: ServerProcess
  readonly port: number
  readonly logFile: string
}

/** Whether a NATS server can be started here, or what is missing. */
export function natsServerMissing(command = defaultNatsServer): string | undefined {
  return existsSync(command) ? undefined : `there is no ${command}: apt-get install nats-server`
}

/** Whether a NATS server serves there: it greets who connects. */
export async function natsServes(port: number, host = '127.0.0.1', timeout = 500): Promise<boolean> {
  return (await ask(port, host, '', timeout, false))?.startsWith('INFO ') ?? false
}

/** Starts a server and waits until it serves. Throws ServerStartError. */
export async function startNatsServer(options: NatsServerOptions): Promise<NatsServer> {
  const { clock, folder, port, host = '127.0.0.1', command = defaultNatsServer, config } = options
  const logFile = join(folder, 'nats.log')
  const args = ['-a', host, '-p', `${port}`]
  if (config !== undefined) {
    const file = join(folder, 'nats.conf')
    writeFileSync(file, config, { mode: 0o600 })
    args.push('-c', file)
  }
  const server = await spawnServer({ command, args, logFile, clock })
  const what = `NATS on ${host}:${port}`
  await untilReady({ clock, server, what, logFile, timeout: 10_000, isReady: () => natsServes(port, host) })
  return { process: server, port, logFile }
}
