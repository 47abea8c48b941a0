import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Election } from '@meseta/common/coordination/election'
import { type Coordination, openCoordination } from '@meseta/common/coordination/open'
import type { Bus } from '@meseta/common/messaging/bus'
import { createEmbeddedBus } from '@meseta/common/messaging/open'
import { systemClock } from '@meseta/common/service/clock'
import type { Handle } from '@meseta/common/service/component'
import { createRegistry } from '@meseta/common/service/metrics'
import { parseFlags } from '@meseta/common/service/parse-flags'
import { systemRandom } from '@meseta/common/service/random'
import { pino } from 'pino'
import { component } from '../../src/component.ts'

const log = pino({ level: 'silent' })

/** A bus and a store for the masters of one test. */
export class Ground {
  readonly bus: Bus = createEmbeddedBus({
    failed: error => {
      throw error
    },
  })
  readonly fatal: Error[] = []
  #folder: string | undefined
  #coordination: Coordination | undefined
  readonly #masters: Handle[] = []

  async master(...argv: string[]): Promise<string> {
    this.#folder ??= await mkdtemp(join(tmpdir(), 'meseta-master-'))
    this.#coordination ??= await openCoordination(`embedded:${this.#folder}`, {
      clock: systemClock,
      random: systemRandom,
      log,
    })
    const flags = parseFlags(component.flags, { argv: ['--port=0', ...argv], env: {} })
    const handle = await component.start({
      flags,
      clock: systemClock,
      random: systemRandom,
      log,
      metrics: createRegistry({ process: false }),
      store: this.#coordination.store,
      election: this.#coordination.election,
      bus: this.bus,
      fatal: error => this.fatal.push(error),
    })
    this.#masters.push(handle)
    return handle.url
  }

  /** Where the masters are elected, once there is one. */
  get election(): Election {
    return this.#coordination!.election
  }

  /** A master that leads. */
  async leader(...argv: string[]): Promise<string> {
    const url = await this.master(...argv)
    // Of all endpoints this one is open to everybody.
    const pointsToItself = async () => {
      const { headers } = await fetch(`${url}/redirect`, { redirect: 'manual' })
      return headers.get('location')?.endsWith(`:${new URL(url).port}`) === true
    }
    await until(pointsToItself, 'the master to lead')
    return url
  }

  async stopMaster(url: string): Promise<void> {
    await this.#masters.find(handle => handle.url === url)?.stop()
  }

  async close(): Promise<void> {
    for (const master of this.#masters) await master.stop()
    await this.bus.close()
    await this.#coordination?.close()
    if (this.#folder) await rm(this.#folder, { recursive: true })
  }
}

/** Looks again after short waits until it holds, at most 10 s. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited 10 s in vain for ${what}`)
    await new Promise(wake => setTimeout(wake, 10))
  }
}

/** A JSON answer in the shape that the test expects. */
export async function getJson<Shape = Record<string, unknown>>(url: string): Promise<Shape> {
  return (await (await fetch(url)).json()) as Shape
}
