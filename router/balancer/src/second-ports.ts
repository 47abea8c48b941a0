import { type Store, StoreError } from '@meseta/common/coordination/store'
import { asBody, asPort, field } from '@meseta/common/discovery/reading'
import { decodeRecord, encodeRecord } from './stored.ts'

/** Ports remembered; the oldest is forgotten. */
const mostPorts = 4_096

/**
 * Ports that virtual IPs got on this machine because their own could not be opened, kept so that a restart does not move them. One record a
 * machine. Writing is done in the background: a port that was not written may move once.
 */
export class SecondPorts {
  readonly #store: Store
  readonly #path: string
  readonly #failed: (error: Error) => void
  #ports = new Map<string, number>()
  #version: number | undefined
  #writing: Promise<void> | undefined
  #changed = false

  constructor(store: Store, hostname: string, failed: (error: Error) => void) {
    this.#store = store
    this.#path = `/balancer/ports/${encodeURIComponent(hostname)}`
    this.#failed = failed
  }

  async load(): Promise<void> {
    const record = await this.#store.get(this.#path)
    this.#version = record?.version
    if (record === undefined) return
    const ports = decodeRecord(record, this.#path, body => asBody(field(body, 'ports')))
    for (const [vip, value] of Object.entries(ports)) {
      const port = asPort(value)
      if (port !== undefined) this.#ports.set(vip, port)
    }
  }

  of(vip: string): number | undefined {
    return this.#ports.get(vip)
  }

  remember(vip: string, port: number): void {
    if (this.#ports.get(vip) === port) return
    this.#ports.delete(vip)
    this.#ports.set(vip, port)
    if (this.#ports.size > mostPorts) this.#ports = new Map([...this.#ports].slice(-mostPorts))
    this.#changed = true
    this.#writing ??= this.#write()
  }

  /** Resolves when what was remembered is written, or could not be. */
  async settle(): Promise<void> {
    await this.#writing
  }

  async #write(): Promise<void> {
    try {
      while (this.#changed) {
        this.#changed = false
        const value = encodeRecord({ ports: Object.fromEntries(this.#ports) })
        this.#version =
          this.#version === undefined
            ? await this.#store.create(this.#path, value)
            : await this.#store.set(this.#path, value, this.#version)
      }
    } catch (error) {
      if (error instanceof StoreError && error.code === 'CONFLICT')
        this.#version = (await this.#store.get(this.#path).catch(() => undefined))?.version
      this.#failed(error as Error)
    } finally {
      this.#writing = undefined
    }
  }
}
