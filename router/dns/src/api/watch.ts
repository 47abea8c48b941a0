import type { OutStream } from '@meseta/common/service/stream'
import type { Zone } from '../records/zone.ts'

/** Names watched at a time, over all clients. */
const mostWatchers = 1_000

/** Tells clients of `/v1/watch` when the records of a name change, each turn of the event loop at most once. */
export class Watchers {
  /** By the name as its zone knows it, the name that each client asked for. */
  readonly #byName = new Map<string, Map<OutStream, string>>()
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

  /** `asked` is what the client calls the name, `known` what its zone does. */
  add(asked: string, known: string, stream: OutStream): void {
    const streams = this.#byName.get(known) ?? new Map<OutStream, string>()
    this.#byName.set(known, streams.set(stream, asked))
    this.#count += 1
    stream.write(this.#event(asked))
    stream.onClose(() => {
      this.#count -= 1
      if (streams.delete(stream) && streams.size === 0) this.#byName.delete(known)
    })
  }

  /** Sends a comment to each client, so that dead connections are noticed. */
  beat(): void {
    for (const streams of this.#byName.values()) for (const stream of streams.keys()) stream.write(': alive\n\n')
  }

  close(): void {
    for (const streams of this.#byName.values()) for (const stream of [...streams.keys()]) stream.end()
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
      for (const [stream, asked] of this.#byName.get(name) ?? []) stream.write(this.#event(asked))
    }
  }

  #event(name: string): string {
    return `event: records\ndata: ${JSON.stringify(this.#describe?.(name) ?? null)}\n\n`
  }
}
