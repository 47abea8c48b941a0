import type { Clock } from '@meseta/common/service/clock'
import type { Dispatcher } from 'undici'
import { isCompatible, mediaType, parseMediaType } from '../api/media-type.ts'
import { ourRelease } from '../formats/dcos-release.ts'
import { FormatProblem } from '../formats/fields.ts'
import { type Contents, readRepositoryJson } from '../formats/repository-json.ts'
import { CatalogError } from '../problems.ts'
import { JsonProblem } from '../render/json.ts'
import { download, type Response, readText, userAgent } from './download.ts'
import type { Repository } from './record.ts'

const repositoryType = (version: string) =>
  mediaType(`application/vnd.dcos.universe.repo+json;charset=utf-8;version=${version}`)
const supported = ['v5', 'v4', 'v3'].map(repositoryType)

/** The whole Universe is 30 MiB. */
const maxBytes = 64 * 1024 * 1024
/** One attempt, from the connection to the last byte. */
const attemptLimit = 60_000
const retries = 3
const retryDelay = 5_000

export interface HttpRepositoryOptions {
  readonly agent: Dispatcher
  readonly clock: Clock
  /** `add` answers a person: it tries once, and an answer that is an error is the person's error. */
  readonly adding: boolean
}

/** Reads a repository over HTTP (catalog contract 2). Throws `CatalogError`. */
export async function readHttpRepository(repository: Repository, options: HttpRepositoryOptions): Promise<Contents> {
  const attempts = options.adding ? 1 : 1 + retries
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await readOnce(repository, options)
    } catch (error) {
      if (attempt === attempts || !mayPass(error)) throw error
      await new Promise<void>(resolve => options.clock.after(retryDelay, resolve))
    }
  }
}

/** A lost connection or a server's own error may be over in seconds; anything else is not. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof CatalogError)) return false
  if (error.type === 'RepositoryUriConnection') return true
  return error.type === 'UniverseClientHttpError' && (error.data as { clientStatus: number }).clientStatus >= 500
}

async function readOnce(repository: Repository, options: HttpRepositoryOptions): Promise<Contents> {
  try {
    const response = await download(repository.uri, {
      agent: options.agent,
      headers: {
        accept: supported.map(type => type.text).join(','),
        'accept-encoding': 'gzip',
        'user-agent': userAgent(ourRelease),
      },
      signal: AbortSignal.timeout(attemptLimit),
    })
    const problem = problemOf(response, repository, options.adding)
    if (problem) {
      await response.body.dump()
      throw problem
    }
    return readRepositoryJson(await readText(response, maxBytes))
  } catch (error) {
    throw asCatalogError(error as Error, repository)
  }
}

function problemOf(response: Response, repository: Repository, adding: boolean): CatalogError | undefined {
  const { statusCode, headers } = response
  if (statusCode !== 200) {
    return new CatalogError('UniverseClientHttpError', {
      packageRepository: repository,
      method: 'GET',
      clientStatus: statusCode,
      status: adding ? 400 : 500,
    })
  }
  const text = headers['content-type']
  const type = typeof text === 'string' ? parseMediaType(text) : undefined
  if (type === undefined || !supported.some(ours => isCompatible(ours, type))) {
    return new CatalogError('UnsupportedContentType', {
      supported: supported.slice(1).map(ours => ours.text),
      ...(text === undefined ? {} : { actual: String(text) }),
    })
  }
  const encoding = headers['content-encoding']
  if (encoding === undefined || encoding === 'gzip' || encoding === 'identity') return undefined
  return new CatalogError('UnsupportedContentEncoding', { supported: ['gzip'], actual: String(encoding) })
}

function asCatalogError(error: Error, repository: Repository): CatalogError {
  if (error instanceof CatalogError) return error
  if (error instanceof JsonProblem || error instanceof FormatProblem) {
    return new CatalogError('JsonDecodingError', {
      typeName: 'repository',
      decodingErrorMessage: error.message,
      decodeInput: repository.uri,
    })
  }
  return new CatalogError('RepositoryUriConnection', { repository, cause: causeOf(error) })
}

/** What went wrong on the network, in words: the cause inside an error is the better one. */
export function causeOf(error: Error): string {
  if (error.name === 'TimeoutError') return 'it did not answer in time'
  const { code } = error as { code?: string }
  const message = error.message || (error.cause instanceof Error ? error.cause.message : '')
  return message || code || error.name
}
