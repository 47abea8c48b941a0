/** What goes wrong between a session and its servers; chances from 0 to 1, times in milliseconds from shortest to longest. */
export interface CoordinationFaults {
  /** On the way of a request, and again of its answer. */
  readonly delay: readonly [number, number]
  /** On the way of what a watch tells. */
  readonly watchDelay: readonly [number, number]
  /** A write fails with UNAVAILABLE and is not done. */
  readonly unavailableBefore: number
  /** A write fails with UNAVAILABLE, and is done: already, or a little later. */
  readonly unavailableAfter: number
  /** A read, of what is up to 200 changes old, but never older than what its session has written, read or been told. */
  readonly staleRead: number
}

/** Everything is done at once. */
export const noFaults: CoordinationFaults = {
  delay: [0, 0],
  watchDelay: [0, 0],
  unavailableBefore: 0,
  unavailableAfter: 0,
  staleRead: 0,
}
