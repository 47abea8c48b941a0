import { constants } from 'node:fs'
import { appendFile, chmod, mkdir, rm } from 'node:fs/promises'
import { dirname, isAbsolute, join, normalize } from 'node:path'
import type { CommandInfoURI } from '@meseta/common/protocol/mesos'
import type { Clock } from '@meseta/common/service/clock'
import { download } from './download.ts'
import { extractArchive } from './extract.ts'

/** Bounds of what a task may fetch. Bytes and milliseconds. */
export interface FetcherLimits {
  /** Of one file as it is fetched, and of all that is extracted from it. */
  readonly maxBytes: number
  /** Of one URI, from beginning to end. */
  readonly timeout: number
  /** A transfer that brings less than a byte a second for so long is given up. */
  readonly stallTimeout: number
  /** What a relative path is relative to. */
  readonly frameworksHome: string | undefined
}

/** What is to be brought into one sandbox. */
export interface FetchRequest {
  readonly directory: string
  readonly uris: readonly CommandInfoURI[]
  readonly limits: FetcherLimits
}

/**
 * Brings URIs into a sandbox, one after the other, and tells of it on the sandbox's stderr. All of it with the rights of this
 * process: what may be read and written here is what the task itself may.
 * @throws {Error} naming the URI and what is wrong with it, without what may be secret in it
 */
export async function fetchUris(request: FetchRequest, clock: Clock, signal: AbortSignal): Promise<void> {
  try {
    for (const uri of request.uris) await fetchOne(uri, request, clock, signal)
  } catch (error) {
    await tell(request.directory, `failed: ${(error as Error).message}`)
    throw error
  }
}

async function fetchOne(
  uri: CommandInfoURI,
  { directory, limits: bounds }: FetchRequest,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const name = outputName(uri)
  const target = join(directory, name)
  const shownName = withoutSecrets(name)
  await tell(directory, `fetching ${withoutSecrets(uri.value)} to ${shownName}`)
  try {
    await mkdir(dirname(target), { recursive: true })
    const limits = { ...bounds, clock, signal }
    await download(uri.value, target, limits)
    if (uri.executable) await chmod(target, 0o755)
    if (uri.executable || uri.extract === false) return
    const entries = await extractArchive(target, directory, limits)
    if (entries !== undefined) {
      await rm(target, { force: true })
      await tell(directory, `extracted ${entries} entries of ${shownName}`)
    } else if (uri.extract === true)
      await tell(directory, `${shownName} is no archive that is known; it stays as it is`)
  } catch (error) {
    throw new Error(`${withoutSecrets(uri.value)}: ${withoutPath(error as Error)}`)
  }
}

async function tell(sandbox: string, text: string): Promise<void> {
  const flag = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW
  await appendFile(join(sandbox, 'stderr'), `fetcher: ${text}\n`, { flag })
}

/**
 * The name a fetched file gets, relative to the sandbox: `output_file`, else what follows the last slash of the URI, its query
 * included.
 * @throws {Error} when that leads out of the sandbox or is nothing
 */
export function outputName({ value, output_file: given }: CommandInfoURI): string {
  const name = given !== undefined && given !== '' ? given : value.slice(value.lastIndexOf('/') + 1)
  const plain = normalize(name)
  const isBad =
    name === '' || name.includes('\0') || isAbsolute(name) || plain === '.' || plain === '..' || plain.startsWith('../')
  if (isBad)
    throw new Error(
      `${withoutSecrets(value)}: '${withoutSecrets(name)}' is no name for a file in the sandbox; set output_file`,
    )
  return plain
}

/** A URI, or the name made of one, as it may be shown: passwords stand before the host, signatures and tokens in the query. */
export function withoutSecrets(uri: string): string {
  return uri
    .replace(/[?#].*$/s, match => `${match[0]}…`)
    .replace(/\/\/[^/\\]*@/, '//…@')
    .slice(0, 500)
}

/** What went wrong, without the path that errors of the file system name: it may end with the query of the URI. */
function withoutPath(error: Error): string {
  return (error as NodeJS.ErrnoException).path === undefined ? error.message : error.message.replace(/, \w+ '.*$/s, '')
}
