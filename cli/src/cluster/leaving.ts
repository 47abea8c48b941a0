/** A repeat this soon is the same word: a terminal signals all in its foreground, and npm passes on what it was sent. Milliseconds. */
const sameWord = 1_000

export interface Leaving {
  readonly source: Pick<NodeJS.EventEmitter, 'on'>
  /** Milliseconds that never go back. */
  readonly now: () => number
  /** Ends the process at once. */
  readonly leave: () => void
}

/** Resolves when a signal first asks to end; one that asks a second time is obeyed at once. */
export function untilTold({ source, now, leave }: Leaving): Promise<void> {
  return new Promise(resolve => {
    let first: number | undefined
    const tell = () => {
      if (first === undefined) {
        first = now()
        resolve()
      } else if (now() - first >= sameWord) leave()
    }
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) source.on(signal, tell)
  })
}
