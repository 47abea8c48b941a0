/** A candidate as the others see it. */
export interface Member {
  /** Order of candidacy; the lowest leads. Unique and growing. */
  readonly sequence: number
  /** What the candidate said of itself, e.g. MasterInfo as JSON. */
  readonly data: Uint8Array
}

/** A running candidacy. */
export interface Candidacy {
  /** Resolves when this candidate leads. Never resolves when it is withdrawn or lost before. */
  readonly elected: Promise<void>
  /** Resolves with the reason when the candidacy has ended, elected or not: the session was lost, or the record is gone. */
  readonly ended: Promise<string>
  /** Leaves the election: the record is deleted before this resolves. */
  withdraw(): Promise<void>
}

/**
 * Agreement on one leader. In ZooKeeper: ephemeral sequential znodes `<path>/<label><10 digits>`, where `path` and `label`
 * have the shape existing tools look for (`/mesos/json.info_0000000012`).
 * Leadership and the Store share one session: who has lost it can write nothing any more.
 */
export interface Election {
  /** Enters the election, however long the connection takes. Fails with INVALID and LOST. `path` may be `/`. */
  contend(path: string, label: string, data: Uint8Array): Promise<Candidacy>
  /** All candidates, lowest sequence first; called as soon as they are known and after each change. Answers a function that ends the watch. */
  watch(path: string, label: string, changed: (members: readonly Member[]) => void): () => void
}
