import { createGunzip } from 'node:zlib'
import { mesetaVersion } from '@meseta/common/service/version'
import { type Dispatcher, request } from 'undici'
import { CatalogError } from '../problems.ts'

const maxRedirects = 5

export interface DownloadOptions {
  readonly agent: Dispatcher
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

export type Response = Dispatcher.ResponseData

/** How we name ourselves to servers of packages (catalog contract 2). */
export const userAgent = (release: string): string => `cosmos/${mesetaVersion} dcos/${release}`

/**
 * GETs an address and follows at most five redirects, none of them to another scheme: throws `UnsupportedRedirect` for that, and
 * what undici throws for a lost connection. The body is the caller's to read or to dump.
 */
export async function download(url: string, options: DownloadOptions): Promise<Response> {
  const { protocol } = new URL(url)
  let target = url
  for (let redirects = 0; ; redirects += 1) {
    const response = await request(target, {
      dispatcher: options.agent,
      headers: options.headers,
      signal: options.signal,
    })
    const location = response.headers.location
    if (response.statusCode < 300 || response.statusCode > 399 || typeof location !== 'string') return response
    await response.body.dump()
    if (redirects === maxRedirects) throw new Error(`more than ${maxRedirects} redirects`)
    if (!URL.canParse(location, target)) throw new Error('a redirect to what is no address')
    const next = new URL(location, target)
    if (next.protocol !== protocol) {
      throw new CatalogError('UnsupportedRedirect', {
        supported: [protocol.replace(':', '')],
        actual: next.protocol.replace(':', ''),
      })
    }
    target = next.href
  }
}

/** The body as text, unzipped, up to `limit` bytes of it; more is an error. */
export async function readText(response: Response, limit: number): Promise<string> {
  const encoding = response.headers['content-encoding']
  const source = encoding === 'gzip' ? response.body.pipe(createGunzip()) : response.body
  if (source !== response.body) response.body.on('error', error => source.destroy(error))
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length > limit) throw new Error(`the answer is larger than ${limit} bytes`)
      chunks.push(chunk)
    }
  } finally {
    response.body.destroy()
  }
  return Buffer.concat(chunks).toString('utf8')
}
