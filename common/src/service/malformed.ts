import type { FastifyServerOptions } from 'fastify'

type ClientErrorHandler = NonNullable<FastifyServerOptions['clientErrorHandler']>

/** What is not even HTTP gets a short answer and the end of the connection. */
export const refuseMalformed =
  (headersTimeout: number): ClientErrorHandler =>
  (error, socket) => {
    if (error.code === 'ECONNRESET' || socket.destroyed) return
    const [status, message] =
      error.code === 'HPE_HEADER_OVERFLOW'
        ? ['431 Request Header Fields Too Large', 'the headers of the request are over 16 KiB']
        : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? ['408 Request Timeout', `the headers of the request did not arrive within ${headersTimeout / 1000} s`]
          : ['400 Bad Request', 'this is not a valid HTTP/1.1 request']
    const body = JSON.stringify({ message })
    if (socket.writable)
      socket.write(
        `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      )
    socket.destroySoon()
  }
