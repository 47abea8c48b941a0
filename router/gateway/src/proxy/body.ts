import type { IncomingMessage } from 'node:http'
import { type Readable, Transform } from 'node:stream'
import { HttpError } from '@meseta/common/service/errors'

export function carriesBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length']
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

/**
 * The body to pass on; `null` when there is none. One that announces more than `most` bytes throws a 413, one that turns out to have more ends
 * with it.
 */
export function bodyOf(request: IncomingMessage, most: number): Readable | null {
  if (!carriesBody(request)) return null
  if (Number(request.headers['content-length'] ?? 0) > most) throw tooLarge(most)
  return counted(request, most)
}

/** A stream of its own: whoever sends it on may end it early, and with the request itself would end the connection of the client. */
function counted(request: IncomingMessage, most: number): Readable {
  let passed = 0
  const body = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      passed += chunk.length
      if (passed > most) done(tooLarge(most))
      else done(null, chunk)
    },
  })
  request.once('close', () => {
    if (!request.complete) body.destroy(new Error('the client went away'))
  })
  return request.pipe(body)
}

const tooLarge = (most: number) =>
  new HttpError(413, `the body of the request is over ${most} bytes, the most that is passed on here`)
