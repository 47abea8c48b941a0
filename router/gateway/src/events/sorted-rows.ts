/** A block that grows beyond this is halved. */
const mostInBlock = 512

/** Rows in order, kept in blocks: a change moves the rows of one block, and not all behind it. Pure. */
export class SortedRows<Row> {
  readonly #isBefore: (a: Row, b: Row) => boolean
  /** At least one; only when there is no row is one empty. */
  readonly #blocks: Row[][] = []
  #length: number

  /** `order` is total: no two rows are equal. */
  constructor(rows: readonly Row[], order: (a: Row, b: Row) => number) {
    this.#isBefore = (a, b) => order(a, b) < 0
    const sorted = [...rows].sort(order)
    this.#length = sorted.length
    do this.#blocks.push(sorted.splice(-mostInBlock / 2))
    while (sorted.length > 0)
    this.#blocks.reverse()
  }

  get length(): number {
    return this.#length
  }

  /** At most `n` rows from this place on. */
  slice(from: number, n: number): Row[] {
    const rows: Row[] = []
    let skipped = 0
    for (const block of this.#blocks) {
      if (rows.length === n) break
      if (skipped + block.length > from) {
        const start = Math.max(0, from - skipped)
        rows.push(...block.slice(start, start + n - rows.length))
      }
      skipped += block.length
    }
    return rows
  }

  add(row: Row): void {
    const at = this.#blockOf(row)
    const block = this.#blocks[at]!
    block.splice(this.#placeIn(block, row), 0, row)
    this.#length += 1
    if (block.length > mostInBlock) this.#blocks.splice(at + 1, 0, block.splice(mostInBlock / 2))
  }

  /** Takes out a row that is there. */
  remove(row: Row): void {
    const at = this.#blockOf(row)
    const block = this.#blocks[at]!
    block.splice(this.#placeIn(block, row), 1)
    this.#length -= 1
    if (block.length === 0 && this.#blocks.length > 1) this.#blocks.splice(at, 1)
  }

  /** The first block that ends with this row or one behind it; the last for a row behind all. */
  #blockOf(row: Row): number {
    let low = 0
    let high = this.#blocks.length - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#isBefore(this.#blocks[middle]!.at(-1)!, row)) low = middle + 1
      else high = middle
    }
    return low
  }

  #placeIn(block: readonly Row[], row: Row): number {
    let low = 0
    let high = block.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#isBefore(block[middle]!, row)) low = middle + 1
      else high = middle
    }
    return low
  }
}
