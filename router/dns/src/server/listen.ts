import { isIPv6 } from 'node:net'
import type { Handler } from './handler.ts'
import { serveTcp } from './tcp.ts'
import { serveUdp } from './udp.ts'

export interface DnsListener {
  /** `address:port`, the same for UDP and TCP. */
  readonly place: string
  close(): Promise<void>
}

/** With port 0: how often another free port is tried when the one that TCP got is taken for UDP. */
const tries = 10

/** Listens on one port for UDP and TCP. A port that is taken or may not be opened is an error that says what to do. */
export async function listenDns(address: string, port: number, handler: Handler): Promise<DnsListener> {
  for (let attempt = 1; ; attempt++) {
    const tcp = await serveTcp(address, port, handler).catch(error => fail(error, address, port, 'TCP'))
    try {
      const udp = await serveUdp(address, tcp.port, handler)
      const host = isIPv6(address) ? `[${address}]` : address
      const close = async () => {
        await Promise.all([udp.close(), tcp.close()])
      }
      return { place: `${host}:${tcp.port}`, close }
    } catch (error) {
      await tcp.close()
      if (port !== 0 || attempt === tries) fail(error as NodeJS.ErrnoException, address, tcp.port, 'UDP')
    }
  }
}

function fail(error: NodeJS.ErrnoException, address: string, port: number, transport: string): never {
  const reasons: Record<string, string> = {
    EADDRINUSE: 'the port is taken: stop what uses it or choose another with --dns-port (0 means any free one)',
    EACCES: 'this user may not open it: choose a port over 1023 with --dns-port',
    EADDRNOTAVAIL: 'this machine has no such address: choose another with --dns-ip',
  }
  const why = reasons[error.code ?? ''] ?? error.message
  const message = `dns can not listen on ${address}:${port} (${transport}): ${why}`
  throw Object.assign(new Error(message, { cause: error }), { code: error.code })
}
