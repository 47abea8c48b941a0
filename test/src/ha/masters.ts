import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '@meseta/common/service/clock'

const launcher = fileURLToPath(new URL('../../../scripts/meseta.mjs', import.meta.url))

export interface MastersOptions {
  readonly folder: string
  /** `zk://…` and `nats://…`. */
  readonly store: string
  readonly bus: string
  readonly ports: readonly number[]
  readonly sessionTimeout: string
}

export interface MasterProcess {
  readonly url: string
  readonly child: ChildProcess
  readonly ended: Promise<unknown>
}

/** Master processes on one ensemble; whoever dies is started again on its port, as a service manager does. */
export class MasterProcesses {
  readonly #options: MastersOptions
  readonly #running = new Map<number, MasterProcess>()
  #stopping = false

  constructor(options: MastersOptions) {
    this.#options = options
    for (const port of options.ports) this.#start(port)
  }

  get urls(): string[] {
    return this.#options.ports.map(port => `http://127.0.0.1:${port}`)
  }

  of(url: string): MasterProcess {
    return this.#running.get(Number(new URL(url).port))!
  }

  /** Who answers as the leader; undefined while nobody does. */
  async leader(): Promise<string | undefined> {
    const statuses = await Promise.all(this.urls.map(url => this.status(url)))
    return this.urls.find((_, index) => statuses[index] === 200)
  }

  /** How a master answers a read: 200 leads, 307 points to the leader, 503 knows none; undefined where none answers. */
  async status(url: string): Promise<number | undefined> {
    try {
      const answer = await fetch(`${url}/state-summary`, { redirect: 'manual', signal: AbortSignal.timeout(1_000) })
      await answer.body?.cancel()
      return answer.status
    } catch {
      return undefined
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true
    for (const { child } of this.#running.values()) child.kill('SIGKILL')
    await Promise.all([...this.#running.values()].map(({ ended }) => ended))
  }

  #start(port: number): void {
    const { folder, store, bus, sessionTimeout } = this.#options
    const args = [
      'run',
      'master',
      '--ip=127.0.0.1',
      `--port=${port}`,
      `--store=${store}`,
      `--bus=${bus}`,
      `--work-dir=${join(folder, `master-${port}`)}`,
      `--zk-session-timeout=${sessionTimeout}`,
      '--allocation-interval=200ms',
    ]
    const output = openSync(join(folder, `master-${port}.log`), 'a')
    const child = spawn(process.execPath, ['--conditions=meseta-source', launcher, ...args], {
      stdio: ['ignore', output, output],
    })
    const ended = once(child, 'exit')
    this.#running.set(port, { url: `http://127.0.0.1:${port}`, child, ended })
    // Not at once: who can not start at all is not to be started without a pause.
    void ended.then(() => systemClock.after(500, () => this.#stopping || this.#start(port)))
  }
}
