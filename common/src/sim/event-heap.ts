/** Something that will happen to a target at a simulated time. */
export interface SimEvent {
  /** Milliseconds since the simulation began. */
  readonly time: number
  /** Orders targets at one instant: drawn from the seed, so that seeds try all orders. */
  readonly tiebreak: number
  /** Orders what one target gets at one instant: as it was scheduled. */
  readonly order: number
  readonly target: string
  readonly what: string
  /** A message as it is on the wire; timers have none. */
  readonly bytes: Uint8Array | undefined
  readonly action: (bytes: Uint8Array) => void
  cancelled: boolean
}

const before = (a: SimEvent, b: SimEvent): boolean =>
  a.time !== b.time ? a.time < b.time : a.tiebreak !== b.tiebreak ? a.tiebreak < b.tiebreak : a.order < b.order

/** A binary heap of events, the next one first. */
export class EventHeap {
  readonly #events: SimEvent[] = []

  get size(): number {
    return this.#events.length
  }

  push(event: SimEvent): void {
    const events = this.#events
    let at = events.length
    events.push(event)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(event, events[parent]!)) break
      events[at] = events[parent]!
      at = parent
    }
    events[at] = event
  }

  /** Takes the next event that was not cancelled. */
  pop(): SimEvent | undefined {
    let event = this.#takeFirst()
    while (event?.cancelled) event = this.#takeFirst()
    return event
  }

  /** The time of the next event, without taking it. */
  nextTime(): number | undefined {
    while (this.#events[0]?.cancelled) this.#takeFirst()
    return this.#events[0]?.time
  }

  #takeFirst(): SimEvent | undefined {
    const events = this.#events
    const first = events[0]
    const last = events.pop()
    if (first === undefined || last === undefined || events.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= events.length) break
      if (child + 1 < events.length && before(events[child + 1]!, events[child]!)) child += 1
      if (!before(events[child]!, last)) break
      events[at] = events[child]!
      at = child
    }
    events[at] = last
    return first
  }
}
