import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import { pipeline } from 'node:stream'
import { answerHeaders, requestHeaders } from './headers.ts'
import { statusText } from './status-text.ts'
import { type Outcome, type Target, unanswered } from './target.ts'

/** A client that asked for a WebSocket: its socket, and what it sent behind its request. */
export interface Upgrade {
  readonly socket: Socket
  readonly head: Buffer
}

/** How long an upstream may take to accept, ms. */
const patience = 30_000

/** Peers that vanished without a word are found by TCP's own probes, sent after so much silence, ms. */
const probeAfter = 60_000

/** How long a side may take to read what is left when the other has gone, ms. */
const lastBytes = 30_000

/**
 * One try to open a WebSocket to an upstream. Resolves `answered` when the connection, or the upstream's refusal of it, is over, and
 * `unanswered` when nothing has been written to the client.
 */
export function tunnel(
  request: IncomingMessage,
  { socket, head }: Upgrade,
  response: ServerResponse,
  target: Target,
  requestId: string,
): Promise<Outcome> {
  return new Promise(resolve => {
    const { protocol, hostname, port } = new URL(target.origin)
    const asked = (protocol === 'https:' ? httpsRequest : httpRequest)({
      host: hostname.replace(/^\[|\]$/g, ''),
      port,
      path: target.path,
      method: request.method,
      headers: { ...requestHeaders(request, requestId, target.drop), connection: 'Upgrade', upgrade: 'websocket' },
      agent: false,
      rejectUnauthorized: false,
      timeout: patience,
    })
    const stopWatching = watchForLeaving(socket, () => {
      asked.destroy()
      socket.destroy()
    })
    asked.on('timeout', () => asked.destroy(Object.assign(new Error('it was silent'), { code: 'ETIMEDOUT' })))
    asked.on('error', error => {
      stopWatching()
      resolve(socket.destroyed ? { kind: 'answered' } : unanswered(error))
    })
    asked.on('response', answer => {
      response.writeHead(
        answer.statusCode!,
        statusText(answer.statusCode!, answer.statusMessage),
        answerHeaders(answer.rawHeaders, target, requestId),
      )
      pipeline(answer, response, () => resolve({ kind: 'answered' }))
    })
    asked.on('upgrade', (answer, upstream, upstreamHead) => {
      stopWatching()
      response.detachSocket(socket)
      socket.write(switching(answer, target, requestId), 'latin1')
      socket.write(upstreamHead)
      upstream.write(head)
      join(socket, upstream as Socket, () => resolve({ kind: 'answered' }))
    })
    asked.end()
  })
}

/** Calls back when the client goes. Its end is only seen by reading; what it sends early stays where it is. */
function watchForLeaving(socket: Socket, gone: () => void): () => void {
  const peek = () => {
    if (socket.readableLength === 0) socket.read()
  }
  socket.on('readable', peek)
  for (const event of ['end', 'close']) socket.once(event, gone)
  return () => {
    socket.removeListener('readable', peek)
    for (const event of ['end', 'close']) socket.removeListener(event, gone)
  }
}

function switching(answer: IncomingMessage, target: Target, requestId: string): string {
  const headers = answerHeaders(answer.rawHeaders, target, requestId)
  const lines = headers.map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`))
  return `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${lines.join('')}\r\n`
}

/** Both ways at the pace of the slower side. What one side still sent reaches the other before that is closed too. */
function join(client: Socket, upstream: Socket, over: () => void): void {
  const sides = [client, upstream] as const
  let open = sides.length
  for (const [from, to] of [sides, sides.toReversed()] as [Socket, Socket][]) {
    from.setTimeout(0)
    from.setKeepAlive(true, probeAfter)
    from.pipe(to)
    from.on('error', () => from.destroy())
    from.once('close', () => {
      to.destroySoon()
      to.setTimeout(lastBytes, () => to.destroy())
      open -= 1
      if (open === 0) over()
    })
  }
}
