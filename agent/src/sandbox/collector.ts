import { mkdir, readdir, rm, rmdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Clock, Timer } from '@meseta/common/service/clock'
import type { Logger } from 'pino'
import type { Sandboxes } from '../agent.ts'
import { replaceLink } from '../checkpoints/files.ts'
import { removeTree } from './remove-tree.ts'

export interface CollectorOptions {
  readonly workDir: string
  /** Age at which a sandbox is removed, ms. */
  readonly delay: number
  /** How often it is looked for old ones, ms. */
  readonly interval: number
  /** Whether a running executor has this sandbox. */
  isInUse(path: string): boolean
  readonly clock: Clock
  readonly log: Logger
}

/** So many sandboxes wait at most; above it the oldest are removed before their time. */
const waitingAtMost = 10_000

/**
 * Removes sandboxes of ended executors when they are older than `delay` (agent contract, section 4; the age does not yet depend
 * on how full the disk is). What waits is found again after a restart by a look at the work folder.
 */
export class SandboxCollector implements Sandboxes {
  readonly #options: CollectorOptions
  /** Path to the wall time at which it is removed; in order of insertion, which is nearly that of time. */
  readonly #due = new Map<string, number>()
  readonly counts = { succeeded: 0, failed: 0 }
  #timer: Timer | undefined

  constructor(options: CollectorOptions) {
    this.#options = options
  }

  get pending(): number {
    return this.#due.size
  }

  /** Finds the sandboxes of earlier lives, and begins to look for old ones. */
  async start(): Promise<void> {
    const { workDir, clock, interval, delay } = this.#options
    for (const run of await findRuns(workDir)) {
      const modified = (await stat(run).catch(() => undefined))?.mtimeMs
      if (modified !== undefined) this.#due.set(run, modified + delay)
    }
    this.#timer = clock.every(interval, () => void this.sweep())
  }

  stop(): void {
    this.#timer?.cancel()
  }

  async link(path: string, target: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true })
    await replaceLink(path, target)
  }

  collect(path: string): void {
    this.#due.set(path, this.#options.clock.now() + this.#options.delay)
  }

  /** Removes what is due. */
  async sweep(): Promise<void> {
    const now = this.#options.clock.now()
    for (const [path, due] of this.#due) {
      if (due > now && this.#due.size <= waitingAtMost) continue
      this.#due.delete(path)
      // One that was found at the start may belong to a task that runs on; it is told again when that ends.
      if (!this.#options.isInUse(path)) await this.#remove(path)
    }
  }

  async #remove(path: string): Promise<void> {
    try {
      await removeTree(path)
      await removeEmptyParents(path)
      this.counts.succeeded++
    } catch (error) {
      this.counts.failed++
      this.#options.log.warn({ err: error, path }, 'an old sandbox was not removed')
    }
  }
}

/** The folders `runs`, of the executor, `executors` and of the framework, if nothing else is in them. */
async function removeEmptyParents(run: string): Promise<void> {
  const runs = dirname(run)
  const left = await readdir(runs).catch(() => [])
  if (left.some(name => name !== 'latest')) return
  await rm(join(runs, 'latest'), { force: true })
  let folder = runs
  for (let level = 0; level < 4; level++) {
    try {
      await rmdir(folder)
    } catch {
      return
    }
    folder = dirname(folder)
  }
}

/** The sandboxes of all runs, of every agent, framework and executor that this work folder has had. */
async function findRuns(workDir: string): Promise<string[]> {
  let folders = [join(workDir, 'slaves')]
  for (const level of ['', 'frameworks', 'executors', 'runs'])
    folders = (await Promise.all(folders.map(folder => subfolders(join(folder, level))))).flat()
  return folders
}

async function subfolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries.filter(entry => entry.isDirectory()).map(entry => join(folder, entry.name))
}
