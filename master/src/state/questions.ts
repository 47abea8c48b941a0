import type { SchedulerEvent } from '@meseta/common/protocol/mesos'

/** What a framework asked: a RECONCILE or RECONCILE_OPERATIONS that is being answered, or waits for the one before it. */
export interface Question {
  /** Made when their turn comes, from what is known then; undefined where silence is the answer. */
  readonly answers: Iterator<SchedulerEvent | undefined>
  /** How many tasks or operations it names; undefined: all there are. */
  readonly names: number | undefined
}

/** The questions of one framework that were not answered in full, in their order. */
export class Questions {
  readonly #waiting: Question[] = []
  /** Those before it were answered, and leave the list when they are half of it. */
  #first = 0
  #names = 0
  #alls = 0

  /** The one that is being answered. */
  get first(): Question | undefined {
    return this.#waiting[this.#first]
  }

  get names(): number {
    return this.#names
  }

  /** Whether one about everything is there that has not begun to be answered. */
  get hasAllWaiting(): boolean {
    return this.#alls > (this.first && this.first.names === undefined ? 1 : 0)
  }

  add(question: Question): void {
    this.#waiting.push(question)
    this.#count(question, 1)
  }

  /** The first is answered. */
  done(): void {
    this.#count(this.first!, -1)
    this.#first++
    if (this.#first * 2 > this.#waiting.length) {
      this.#waiting.splice(0, this.#first)
      this.#first = 0
    }
  }

  clear(): void {
    this.#waiting.length = 0
    this.#first = 0
    this.#names = 0
    this.#alls = 0
  }

  #count({ names }: Question, sign: 1 | -1): void {
    if (names === undefined) this.#alls += sign
    else this.#names += sign * names
  }
}
