import { openCoordination } from '@meseta/common/coordination/open'
import { StoreError } from '@meseta/common/coordination/store'
import type { Context } from '@meseta/common/service/component'
import type { Health } from '@meseta/common/service/health'
import { electedMaster, type MasterSource, mastersOf } from '@meseta/sdk/framework'

export interface MasterSourceOptions extends Pick<Context<unknown>, 'clock' | 'random' | 'log' | 'fatal'> {
  readonly health: Health
  readonly open?: typeof openCoordination
}

export type Masters = MasterSource & { close(): Promise<void> }

/** Where the masters are: a list of addresses, or `zk://h1:2181,h2:2181/mesos`, where the leader is read from their election. */
export function masterSource(master: string, options: MasterSourceOptions): Masters {
  if (master.startsWith('zk://')) return new ElectedMasters(master, options)
  return { ...mastersOf(master), close: async () => {} }
}

/** Between two tries to reach a ZooKeeper that refuses, ms. */
const tryAgain = 1_000

/** The leader of the masters' election, through as many sessions as it takes: what was last known stays so until another is. */
class ElectedMasters implements Masters {
  readonly #options: MasterSourceOptions
  readonly #url: string
  readonly #folder: string
  readonly #listeners = new Set<() => void>()
  #known: readonly string[] = []
  #leave: () => Promise<void> = async () => {}
  #closed = false

  constructor(master: string, options: MasterSourceOptions) {
    const [, root, folder] = /^(zk:\/\/[^/]+(?:\/.*?)?)(\/[^/]+)\/*$/.exec(master) ?? []
    if (root === undefined || folder === undefined)
      throw new Error('--master names no folder of the masters: give zk://host:2181/mesos')
    this.#options = options
    this.#url = root
    this.#folder = folder
    this.#see('degraded', 'the ZooKeeper of the masters has not been reached yet')
    void this.#open()
  }

  candidates(): readonly string[] {
    return this.#known
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#leave()
  }

  async #open(): Promise<void> {
    const { open = openCoordination, clock, log, random, fatal } = this.#options
    try {
      const { election, store, close } = await open(this.#url, { clock, random, log })
      if (this.#closed) return await close()
      const source = electedMaster(election, this.#folder)
      this.#leave = async () => {
        source.stop()
        await close()
      }
      source.onChange(() => this.#learn(source.candidates()))
      this.#see('ok', 'the leader of the masters is followed')
      store.onState(state => {
        if (state === 'connected') this.#see('ok', 'the leader of the masters is followed')
        else this.#see('degraded', 'the ZooKeeper of the masters can not be reached: a new leader is not noticed')
        if (state === 'lost' && !this.#closed) void this.#leave().then(() => this.#open())
      })
    } catch (error) {
      if (this.#closed) return
      if (!(error instanceof StoreError)) return fatal(error as Error)
      log.warn({ err: error }, 'the ZooKeeper of the masters refuses; trying again')
      clock.after(tryAgain, () => void this.#open())
    }
  }

  #learn(candidates: readonly string[]): void {
    if (candidates.join() === this.#known.join()) return
    this.#known = candidates
    for (const listener of [...this.#listeners]) listener()
  }

  #see(status: 'ok' | 'degraded', sentence: string): void {
    this.#options.health.set('masters', status, sentence)
  }
}
