import type { OutStream } from '@meseta/common/service/stream'
import type { Zone } from '../records/zone.ts'

/** Names watched at a time, over all clients. */
const mostWatchers = 1_000

/** Tells clients of `/v1/watch` when the records of a name change, each turn of the event loop at most once. */
export class Watchers {
  readonly #byName = new Map<string, Set<OutStream>>()
  readonly #pending = new Set<string>()
  #count = 0
  #describe: ((name: string) => unknown) | undefined

  constructor(zones: readonly Zone[]) {
    for (const zone of zones) zone.onChange(name => this.#changed(name))
  }

  get isFull(): boolean {
    return this.#count >= mostWatchers
  }

  /** What a name is described by in the events. */
  describeWith(describe: (name: string) => unknown): void {
    this.#describe = describe
  }

  add(name: string, stream: OutStream): void {
    const streams = this.#byName.get(name) ?? new Set()
    this.#byName.set(name, streams.add(stream))
    this.#count += 1
    stream.write(this.#event(name))
    stream.onClose(() => {
      this.#count -= 1
      if (streams.delete(stream) && streams.size === 0) this.#byName.delete(name)
    })
  }

  /** Sends a comment to each client, so that dead connections are noticed. */
  beat(): void {
    for (const streams of this.#byName.values()) for (const stream of streams) stream.write(': alive\n\n')
  }

  close(): void {
    for (const streams of this.#byName.values()) for (const stream of [...streams]) stream.end()
  }

  #changed(name: string): void {
    if (!this.#byName.has(name)) return
    if (this.#pending.size === 0) setImmediate(() => this.#flush())
    this.#pending.add(name)
  }

  #flush(): void {
    const names = [...this.#pending]
    this.#pending.clear()
    for (const name of names) {
      const event = this.#event(name)
      for (const stream of this.#byName.get(name) ?? []) stream.write(event)
    }
  }

  #event(name: string): string {
    return `event: records\ndata: ${JSON.stringify(this.#describe?.(name) ?? null)}\n\n`
  }
}
