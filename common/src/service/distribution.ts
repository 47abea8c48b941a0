const quantiles = { p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99, p999: 0.999, p9999: 0.9999 } as const

/** The newest values of something that is measured again and again, and how they are spread. */
export class Distribution {
  readonly #values: Float64Array
  #count = 0

  /** `size`: how many of the newest values count. */
  constructor(size = 1_000) {
    this.#values = new Float64Array(size)
  }

  add(value: number): void {
    this.#values[this.#count++ % this.#values.length] = value
  }

  /** Under the names that Mesos gives them: the newest value, how many there were, and how the newest ones are spread. Nothing before the first. */
  entries(name: string): Record<string, number> {
    if (this.#count === 0) return {}
    const sorted = this.#values.slice(0, Math.min(this.#count, this.#values.length)).sort()
    const metrics: Record<string, number> = {
      [name]: this.#values[(this.#count - 1) % this.#values.length]!,
      [`${name}/count`]: sorted.length,
      [`${name}/min`]: sorted[0]!,
      [`${name}/max`]: sorted.at(-1)!,
    }
    for (const [word, quantile] of Object.entries(quantiles))
      metrics[`${name}/${word}`] = interpolated(sorted, quantile * (sorted.length - 1))
    return metrics
  }
}

/** Between two values in proportion. */
function interpolated(sorted: Float64Array, at: number): number {
  const below = sorted[Math.floor(at)]!
  const above = sorted[Math.ceil(at)]!
  return below + (above - below) * (at % 1)
}
