import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import type { Clock } from '@meseta/common/service/clock'
import { Agent as HttpAgent, interceptors, request } from 'undici'

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
    if (/^https?:\/\//i.test(uri)) await get(uri, target, limits, abort)
    else await copy(localPath(uri, limits.frameworksHome), target, limits, abort)
  } catch (error) {
    throw abort.signal.aborted ? abort.signal.reason : error
  } finally {
    timer.cancel()
    limits.signal.removeEventListener('abort', killed)
  }
}

function localPath(uri: string, home: string | undefined): string {
  if (/^file:\/\//i.test(uri)) return fileURLToPath(uri)
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(uri)?.[1]
  if (scheme !== undefined) throw new Error(`the scheme ${scheme} is not supported; use http, https, file or a path`)
  if (isAbsolute(uri)) return uri
  if (home === undefined) throw new Error('it is a relative path, and the agent has no --frameworks-home')
  return join(home, uri)
}

async function copy(source: string, target: string, limits: DownloadLimits, abort: AbortController): Promise<void> {
  const { size } = await stat(source).then(
    found => (found.isFile() ? found : Promise.reject(new Error('it is not a regular file'))),
    error => Promise.reject(new Error(`it can not be read: ${(error as NodeJS.ErrnoException).code}`)),
  )
  if (size > limits.maxBytes) throw tooLarge(limits.maxBytes)
  await pipeline(createReadStream(source), createWriteStream(target), { signal: abort.signal })
}

async function get(uri: string, target: string, limits: DownloadLimits, abort: AbortController): Promise<void> {
  const agent = new HttpAgent({ headersTimeout: limits.stallTimeout, bodyTimeout: limits.stallTimeout })
  try {
    const dispatcher = agent.compose(interceptors.redirect({ maxRedirections: maxRedirects }))
    const { statusCode, body } = await request(uri, { dispatcher, signal: abort.signal })
    if (statusCode !== 200) {
      await body.dump({ limit: 64 * 1024 })
      throw new Error(`the server answered ${statusCode}`)
    }
    await pipeline(body, limitBytes(limits.maxBytes), createWriteStream(target), { signal: abort.signal })
  } finally {
    await agent.destroy()
  }
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
