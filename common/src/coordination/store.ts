/** A stored value and the version it has: 0 when created, one more with each set. */
export interface Versioned {
  readonly value: Uint8Array
  readonly version: number
}

/** `connected`: served; `suspended`: the connection is lost and may return; `lost`: it will not, this Store is dead. */
export type LinkState = 'connected' | 'suspended' | 'lost'

export type StoreErrorCode =
  /** The record exists (create), or its version is another one (set, delete). */
  | 'CONFLICT'
  /** No such record (set, delete). Reading a missing record is no error. */
  | 'NOT_FOUND'
  /** A record with children can not be deleted. */
  | 'NOT_EMPTY'
  /** Over 512 KiB, or a path that is not `/a/b`. */
  | 'INVALID'
  /** No connection within the time limit: the operation did not happen, or it is not known whether it did and reading it back was impossible. */
  | 'UNAVAILABLE'
  /** The session is gone for ever (`state` is `lost`). */
  | 'LOST'

/** What a Store refuses, with the path and what to do in the message. */
export class StoreError extends Error {
  readonly code: StoreErrorCode
  readonly path: string
  constructor(code: StoreErrorCode, path: string, message: string) {
    super(message)
    this.name = 'StoreError'
    this.code = code
    this.path = path
  }
}

/** No record is larger: what is larger is split by its owner. */
export const maxRecordBytes = 512 * 1024

/**
 * Durable state: a tree of versioned records with compare-and-set. One record is the unit of atomicity.
 * Paths are `/a/b/c`; parents come into being with their children, with an empty value.
 * A resolved write is durable. A write interrupted by a lost connection is settled by reading it back:
 * each record carries the writer and a number of the operation, so `create` and `set` answer truly, once; as long as one
 * session writes a record at a time. After UNAVAILABLE a write may have been done, or may still be.
 * Operations that do not wait for each other may be done in any order. A read is not older than what this session has
 * written, read or been told before; it may be older than what another session has written. Writes see the newest state.
 */
export interface Store {
  get(path: string): Promise<Versioned | undefined>
  /** Fails with CONFLICT when the record exists. Answers the new version, 0. */
  create(path: string, value: Uint8Array): Promise<number>
  /** Writes if the record has this version. Answers the new version. */
  set(path: string, value: Uint8Array, version: number): Promise<number>
  /** Deletes if the record has this version. */
  delete(path: string, version: number): Promise<void>
  /** Names of the children, sorted; empty when there is no such record. In ZooKeeper an election's candidates are children too. `/` may be listed. */
  list(path: string): Promise<string[]>
  /**
   * Calls back after each change of the record itself (`data`) or of its set of children (`children`), and once after a
   * reconnection. Changes in quick succession may come as one call, and a call may come without a change. Whoever reads
   * when called misses nothing. Answers a function that ends the watch. Throws INVALID. `/` may be watched.
   */
  watch(path: string, changed: (what: 'data' | 'children') => void): () => void
  readonly state: LinkState
  onState(listener: (state: LinkState) => void): () => void
  /** Ends the session. Idempotent. */
  close(): Promise<void>
}
