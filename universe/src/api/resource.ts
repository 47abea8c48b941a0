import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Dispatcher } from 'undici'
import type { Collection, Entry } from '../catalog/collection.ts'
import { ourRelease } from '../formats/dcos-release.ts'
import { resourceUrls } from '../formats/resource-json.ts'
import { CatalogError } from '../problems.ts'
import { isBuiltInAsset, openAsset } from '../repositories/assets.ts'
import { download, userAgent } from '../repositories/download.ts'
import { causeOf } from '../repositories/http-repository.ts'
import { builtIn } from '../repositories/location.ts'
import type { Repositories } from '../repositories/repositories.ts'
import { BadRequest, checkForwardedProtocol, missing, type RequestProblem } from './endpoint.ts'

export interface ResourceOptions {
  readonly repositories: Repositories
  readonly agent: Dispatcher
  readonly builtInFolder: string
}

/** The longest a package's file may be; a command-line binary is some 20 MiB. */
const maxBytes = 1024 * 1024 * 1024
/** How long the answer may take to begin. */
const answerLimit = 30_000

/**
 * `GET /package/resource?url=`: the files that packages name, and nothing else (catalog contract 5). They come from strangers and
 * are served under our own origin, so nothing in them may run.
 */
export function addResourceRoute(app: FastifyInstance, options: ResourceOptions): void {
  const owners = new Owners()
  app.get('/package/resource', async (request, reply) => {
    const problems: RequestProblem[] = []
    const url = wantedUrl(request, problems)
    checkForwardedProtocol(request, problems)
    if (problems.length > 0) throw new BadRequest(problems)
    const owned = owners.find(await options.repositories.collection(), url!)
    if (owned === undefined) throw forbidden(url!)
    reply.header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; sandbox")
    reply.header('x-content-type-options', 'nosniff')
    reply.header('content-disposition', `attachment; filename="${fileName(owned.url)}"`)
    return isBuiltInAsset(owned.url) ? sendAsset(reply, owned, options) : proxy(request, reply, owned.url, options)
  })
}

function wantedUrl(request: FastifyRequest, problems: RequestProblem[]): string | undefined {
  const { url } = request.query as { url?: string | string[] }
  if (typeof url === 'string' && url !== '') return url
  problems.push(missing("param 'url'"))
  return undefined
}

interface Owned {
  readonly entry: Entry
  /** As the package writes it. */
  readonly url: string
}

/** Every address that a package names, raw and decoded, of the collection that it was last asked of. */
class Owners {
  #collection: Collection | undefined
  #byUrl = new Map<string, Owned>()

  find(collection: Collection, wanted: string): Owned | undefined {
    if (collection !== this.#collection) this.#index(collection)
    return this.#byUrl.get(wanted) ?? this.#byUrl.get(decode(wanted))
  }

  #index(collection: Collection): void {
    this.#collection = collection
    this.#byUrl = new Map()
    for (const entry of collection.entries) {
      for (const url of resourceUrls(entry.definition.resource)) {
        for (const key of [url, decode(url)]) if (!this.#byUrl.has(key)) this.#byUrl.set(key, { entry, url })
      }
    }
  }
}

function decode(url: string): string {
  try {
    return decodeURIComponent(url)
  } catch {
    return url
  }
}

const forbidden = (destination: string) =>
  new CatalogError('Forbidden', { serviceName: 'resource', destination: destination.slice(0, 2048) })

async function sendAsset(reply: FastifyReply, { entry, url }: Owned, options: ResourceOptions): Promise<FastifyReply> {
  // Only our own catalog speaks of files on this machine.
  const asset = entry.source === builtIn.uri ? await openAsset(options.builtInFolder, url, entry.definition) : undefined
  if (asset === undefined) throw forbidden(url)
  return reply.header('content-type', asset.contentType).header('content-length', asset.length).send(asset.content)
}

async function proxy(
  request: FastifyRequest,
  reply: FastifyReply,
  url: string,
  options: ResourceOptions,
): Promise<FastifyReply> {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) throw forbidden(url)
  const { statusCode, headers, body } = await open(request, url, options)
  const length = Number(headers['content-length'])
  if (statusCode !== 200 || !(length > 0) || length > maxBytes) {
    await body.dump()
    throw new CatalogError('GenericHttpError', { method: 'GET', uri: url, clientStatus: statusCode, status: 400 })
  }
  body.on('error', error => request.log.info({ url, reason: error.message }, 'resource broke off'))
  const encoding = headers['content-encoding']
  if (encoding !== undefined) reply.header('content-encoding', encoding)
  return reply.header('content-type', headers['content-type'] ?? 'application/octet-stream').send(body)
}

async function open(request: FastifyRequest, url: string, options: ResourceOptions): Promise<Dispatcher.ResponseData> {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(new DOMException('no answer', 'TimeoutError')), answerLimit)
  request.raw.once('close', () => late.abort())
  try {
    const headers = { 'user-agent': userAgent(ourRelease) }
    return await download(url, { agent: options.agent, headers, signal: late.signal })
  } catch (error) {
    if (error instanceof CatalogError) throw error
    throw new CatalogError('EndpointUriConnection', { destination: url, cause: causeOf(error as Error) })
  } finally {
    clearTimeout(timer)
  }
}

/** The last part of the path, without what would break out of the header's quotes. */
function fileName(url: string): string {
  const path = url.split(/[?#]/)[0]!
  return (path.split('/').at(-1) ?? '').replaceAll(/[^A-Za-z0-9._ -]/g, '_').slice(0, 200)
}
