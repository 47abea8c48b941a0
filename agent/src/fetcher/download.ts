import { constants, createWriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { get as httpGet, type IncomingMessage } from 'node:http'
import { get as httpsGet } from 'node:https'
import { isAbsolute, join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import type { Clock } from '@meseta/common/service/clock'

export interface DownloadLimits {
  readonly maxBytes: number
  readonly timeout: number
  readonly stallTimeout: number
  readonly frameworksHome: string | undefined
  readonly clock: Clock
  readonly signal: AbortSignal
}

const maxRedirects = 10

/**
 * Brings one URI to a file: http, https, file, or a path.
 * @throws {Error} saying what is wrong, without naming the URI
 */
export async function download(uri: string, target: string, limits: DownloadLimits): Promise<void> {
  const abort = new AbortController()
  const stop = (reason: string) => abort.abort(new Error(reason))
  const timer = limits.clock.after(limits.timeout, () => stop(`it took longer than ${limits.timeout / 1000} s`))
  const killed = () => stop('the task was killed')
  limits.signal.addEventListener('abort', killed)
  if (limits.signal.aborted) killed()
  try {
    if (isHttp(uri)) await get(uri, target, limits, abort)
    else await copy(localPath(uri, limits.frameworksHome), target, limits, abort)
  } catch (error) {
    throw abort.signal.aborted ? abort.signal.reason : error
  } finally {
    timer.cancel()
    limits.signal.removeEventListener('abort', killed)
  }
}

const isHttp = (uri: string) => /^https?:\/\//i.test(uri)

function localPath(uri: string, home: string | undefined): string {
  if (/^file:\/\//i.test(uri)) return fileURLToPath(uri)
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(uri)?.[1]
  if (scheme !== undefined) throw new Error(`the scheme ${scheme} is not supported; use http, https, file or a path`)
  if (isAbsolute(uri)) return uri
  if (home === undefined) throw new Error('it is a relative path, and the agent has no --frameworks-home')
  return join(home, uri)
}

async function copy(source: string, target: string, limits: DownloadLimits, abort: AbortController): Promise<void> {
  // Without blocking: a fifo would wait for a writer.
  const file = await open(source, constants.O_RDONLY | constants.O_NONBLOCK).catch(error => {
    throw new Error(`it can not be read by the task's user: ${(error as NodeJS.ErrnoException).code}`)
  })
  try {
    if (!(await file.stat()).isFile()) throw new Error('it is not a regular file')
    const content = file.createReadStream({ autoClose: false })
    await pipeline(content, limitBytes(limits.maxBytes), createWriteStream(target), { signal: abort.signal })
  } finally {
    await file.close()
  }
}

async function get(uri: string, target: string, limits: DownloadLimits, abort: AbortController): Promise<void> {
  const { signal } = abort
  let url = new URL(uri)
  for (let redirects = 0; ; redirects++) {
    const response = await ask(url, limits.stallTimeout, abort)
    const { statusCode = 0, headers } = response
    if (statusCode === 200) {
      await pipeline(response, limitBytes(limits.maxBytes), createWriteStream(target), { signal })
      return
    }
    response.destroy()
    const isRedirect = [301, 302, 303, 307, 308].includes(statusCode) && headers.location !== undefined
    if (!isRedirect) throw new Error(`the server answered ${statusCode}`)
    if (redirects === maxRedirects) throw new Error(`it redirects more than ${maxRedirects} times`)
    url = new URL(headers.location ?? '', url)
  }
}

/**
 * The headers of an answer, its body to be read. By Node.js's own client: a process that has given up its rights can load no
 * part of another one any more.
 */
function ask(url: URL, stallTimeout: number, abort: AbortController): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  if (!isHttp(url.href)) throw new Error(`it redirects to the scheme ${url.protocol.slice(0, -1)}`)
  const options = { agent: false, timeout: stallTimeout, signal: abort.signal }
  const request = url.protocol === 'https:' ? httpsGet(url, options, resolve) : httpGet(url, options, resolve)
  request.once('error', reject)
  request.once('timeout', () => abort.abort(new Error(`nothing came for ${stallTimeout / 1000} s`)))
  return promise
}

/** Passes bytes on, up to a number. */
export function limitBytes(maxBytes: number): Transform {
  let count = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      count += chunk.length
      if (count > maxBytes) done(tooLarge(maxBytes))
      else done(null, chunk)
    },
  })
}

function tooLarge(maxBytes: number): Error {
  return new Error(`it is larger than ${maxBytes} bytes, the most that --fetcher-max-size allows`)
}
