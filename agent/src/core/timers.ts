/** A timer of the heart: what is to happen, to which task. Times are monotonic milliseconds. */
export interface HeartTimer {
  readonly kind: 'escalate' | 'completion' | 'health' | 'check' | 'register' | 'operation'
  /** Key of the task or executor, uuid of the operation; empty for the agent itself. */
  readonly subject: string
}

interface Entry {
  readonly at: number
  readonly name: string
  readonly timer: HeartTimer
}

/** The deadlines of the heart: a binary heap; a timer that is set again or cancelled leaves a dead entry, skipped later. */
export class Timers {
  readonly #heap: Entry[] = []
  readonly #live = new Map<string, Entry>()

  set(timer: HeartTimer, at: number): void {
    const name = nameOf(timer)
    const entry = { at, name, timer }
    this.#live.set(name, entry)
    this.#push(entry)
  }

  cancel(timer: HeartTimer): void {
    this.#live.delete(nameOf(timer))
  }

  /** Cancels all timers of a subject. */
  cancelAll(subject: string): void {
    for (const kind of ['escalate', 'completion', 'health', 'check'] as const)
      this.#live.delete(nameOf({ kind, subject }))
  }

  /** The next deadline. */
  next(): number | undefined {
    this.#dropDead()
    return this.#heap[0]?.at
  }

  /** Takes the earliest timer that is due. */
  take(now: number): HeartTimer | undefined {
    this.#dropDead()
    const top = this.#heap[0]
    if (top === undefined || top.at > now) return undefined
    this.#pop()
    this.#live.delete(top.name)
    return top.timer
  }

  #dropDead(): void {
    for (let top = this.#heap[0]; top !== undefined && this.#live.get(top.name) !== top; top = this.#heap[0])
      this.#pop()
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let index = heap.push(entry) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (heap[parent]!.at <= entry.at) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = entry
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let index = 0
    for (;;) {
      let child = index * 2 + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) child++
      if (heap[child]!.at >= last.at) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = last
  }
}

function nameOf(timer: HeartTimer): string {
  return `${timer.kind} ${timer.subject}`
}
