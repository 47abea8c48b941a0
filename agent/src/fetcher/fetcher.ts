import { constants } from 'node:fs'
import { appendFile, chmod, chown, lchown, mkdir, rm } from 'node:fs/promises'
import { dirname, isAbsolute, join, normalize } from 'node:path'
import type { CommandInfoURI } from '@meseta/common/protocol/mesos'
import type { Clock } from '@meseta/common/service/clock'
import { type ContainerSpec, LaunchError } from '../containers/launcher.ts'
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

export interface Owner {
  readonly uid: number
  readonly gid: number
}

/**
 * Brings the URIs of a task into its sandbox, one after the other, and tells of it on the sandbox's stderr (agent contract,
 * section 5). There is no cache yet: `cache` is accepted and each task fetches for itself.
 */
export class Fetcher {
  readonly #limits: FetcherLimits
  readonly #clock: Clock
  readonly counts = { succeeded: 0, failed: 0 }

  constructor(limits: FetcherLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
  }

  /** @throws {LaunchError} naming the URI and what is wrong with it */
  async fetch(spec: ContainerSpec, user: Owner | undefined, signal: AbortSignal): Promise<void> {
    if (spec.uris.length === 0) return
    try {
      for (const uri of spec.uris) await this.#fetchOne(uri, spec.directory, user, signal)
      this.counts.succeeded++
    } catch (error) {
      this.counts.failed++
      const message = (error as Error).message
      await this.#tell(spec.directory, `failed: ${message}`, user)
      throw new LaunchError(`Failed to launch container: Failed to fetch all URIs for container: ${message}`)
    }
  }

  async #fetchOne(uri: CommandInfoURI, sandbox: string, user: Owner | undefined, signal: AbortSignal): Promise<void> {
    const name = outputName(uri)
    const target = join(sandbox, name)
    const shown = withoutPassword(uri.value)
    await this.#tell(sandbox, `fetching ${shown} to ${name}`, user)
    await mkdir(dirname(target), { recursive: true })
    const limits = { ...this.#limits, clock: this.#clock, signal }
    await download(uri.value, target, limits).catch(error => {
      throw new Error(`${shown}: ${(error as Error).message}`)
    })
    if (uri.executable) await chmod(target, 0o755)
    else if (uri.extract !== false) {
      const result = await extractArchive(target, sandbox, limits).catch(error => {
        throw new Error(`${shown}: ${(error as Error).message}`)
      })
      if (result.kind === 'extracted') {
        await rm(target, { force: true })
        await this.#tell(sandbox, `extracted ${result.entries} entries of ${name}`, user)
        if (user) for (const path of result.paths) await lchown(path, user.uid, user.gid)
        return
      }
      if (uri.extract === true)
        await this.#tell(sandbox, `${name} is no archive that is known; it stays as it is`, user)
    }
    if (user) await lchown(target, user.uid, user.gid)
  }

  async #tell(sandbox: string, text: string, user: Owner | undefined): Promise<void> {
    const path = join(sandbox, 'stderr')
    const flag = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW
    await appendFile(path, `fetcher: ${text}\n`, { flag })
    if (user) await chown(path, user.uid, user.gid)
  }
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
    throw new Error(`${withoutPassword(value)}: '${name}' is no name for a file in the sandbox; set output_file`)
  return plain
}

function withoutPassword(uri: string): string {
  return uri.replace(/\/\/[^@/]*@/, '//…@').slice(0, 500)
}
