import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { HttpError } from '@meseta/common/service/errors'
import type { FastifyInstance } from 'fastify'
import { carriesBody } from '../proxy/body.ts'
import type { Upgrade } from '../proxy/tunnel.ts'

/**
 * Requests for a WebSocket go the way of all others: the same door, routes, header rules and errors. `of` tells who may be given
 * the socket. Any other `Upgrade` is ignored, as RFC 9110, 7.8 allows, and the request is an ordinary one.
 */
export class Upgrades {
  readonly #open = new WeakMap<IncomingMessage, Upgrade>()
  readonly #sockets = new Set<Socket>()

  constructor(app: FastifyInstance) {
    // Unknown before Node.js 24.9: there each upgrade comes below, and one of another kind is answered without its body.
    Object.assign(app.server, { shouldUpgradeCallback: asksForWebSocket })
    app.server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      socket.on('error', () => socket.destroy())
      const answer = lastAnswer(request, socket)
      if (!answer) return void socket.destroy()
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
      if (asksForWebSocket(request)) this.#open.set(request, { socket, head })
      app.routing(request, answer)
    })
    app.addHook('onRequest', (request, _reply, done) => {
      const detached = this.#open.has(request.raw) || this.#sockets.has(request.socket)
      done(detached && carriesBody(request.raw) ? new HttpError(400, 'a request to upgrade has no body') : undefined)
    })
  }

  of(request: IncomingMessage): Upgrade | undefined {
    return this.#open.get(request)
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}

const asksForWebSocket = ({ headers, method }: IncomingMessage): boolean =>
  method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket'

/**
 * The parser has left the connection: it can carry one answer and no further request. Undefined when it has still to carry the
 * answer to an earlier one, for which the client should have waited.
 */
function lastAnswer(request: IncomingMessage, socket: Socket): ServerResponse | undefined {
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  try {
    response.assignSocket(socket)
  } catch {
    return undefined
  }
  response.once('finish', () => socket.end())
  return response
}
