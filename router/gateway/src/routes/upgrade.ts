import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Door, refusalAtDoor } from '@meseta/common/service/door'
import { createProxyServer } from 'http-proxy-3'
import type { Logger } from 'pino'

export interface UpgradeTarget {
  readonly origin: string
  readonly path: string
}

/** Finds where a WebSocket of this path goes. Throws what an ordinary request there would be answered. */
export type FindUpgrade = (url: string) => Promise<UpgradeTarget>

/** Passes `Upgrade` requests (WebSockets) through to services. Hooks of the HTTP server do not see them: the door is asked here. */
export function addUpgrades(server: Server, door: Door, find: FindUpgrade, log: Logger): () => void {
  const proxy = createProxyServer({ ws: true, secure: false, xfwd: true, connectTimeout: 5_000 })
  const sockets = new Set<Duplex>()
  proxy.on('error', (error, _request, response) => {
    log.warn({ err: error.message }, 'upgraded connection failed')
    if ('writable' in response && !('writeHead' in response)) refuse(response as Duplex, 502, error.message)
  })
  server.on('upgrade', async (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    const refusal = refusalAtDoor(door, request.headers)
    if (refusal !== undefined) return refuse(socket, 403, refusal)
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    try {
      const { origin, path } = await find(request.url ?? '/')
      request.url = path
      proxy.ws(request, socket as never, head, { target: origin })
    } catch (error) {
      const status = (error as { status?: number }).status ?? 502
      refuse(socket, status, error instanceof Error ? error.message : String(error))
    }
  })
  return () => {
    for (const socket of sockets) socket.destroy()
    proxy.close()
  }
}

function refuse(socket: Duplex, status: number, text: string): void {
  if (!socket.writable) return
  const body = `${text}\n`
  socket.end(
    `HTTP/1.1 ${status} ${status === 404 ? 'Not Found' : 'Refused'}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}
