/** A figure of a benchmark, beside its peer or limit measured in the same run. */
export interface Result {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly peer?: { readonly name: string; readonly value: number }
  /** `value` to the peer's. */
  readonly ratio?: number
  /** What is aimed at, e.g. `ratio >= 0.7`. */
  readonly target: string
  readonly met: boolean
}

export interface Bench {
  readonly name: string
  /** What is measured and beside what, in one sentence. */
  readonly summary: string
  /** `quick` ends within 50 s. `say` tells a person how far it is. */
  run(options: { readonly quick: boolean; say(sentence: string): void }): Promise<Result[]>
}

const rounded = (value: number): number => Number(value.toPrecision(4))

/** A figure that should be at least (or at most) so many times its peer's. */
export function compared(
  name: string,
  unit: string,
  value: number,
  peer: { readonly name: string; readonly value: number },
  bound: { readonly least: number } | { readonly most: number },
): Result {
  const ratio = value / peer.value
  const [target, met] =
    'least' in bound
      ? [`ratio >= ${bound.least}`, ratio >= bound.least]
      : [`ratio <= ${bound.most}`, ratio <= bound.most]
  return {
    name,
    value: rounded(value),
    unit,
    peer: { name: peer.name, value: rounded(peer.value) },
    ratio: rounded(ratio),
    target,
    met,
  }
}

/** A figure that should be at least so much, with a peer beside it for scale. */
export function reached(
  name: string,
  unit: string,
  value: number,
  least: number,
  peer: { readonly name: string; readonly value: number },
): Result {
  return {
    name,
    value: rounded(value),
    unit,
    peer: { name: peer.name, value: rounded(peer.value) },
    ratio: rounded(value / peer.value),
    target: `value >= ${least}`,
    met: value >= least,
  }
}

/** A figure that should be at most so much, with a peer beside it for scale. */
export function bounded(
  name: string,
  unit: string,
  value: number,
  most: number,
  peer?: { readonly name: string; readonly value: number },
): Result {
  return {
    name,
    value: rounded(value),
    unit,
    ...(peer ? { peer: { name: peer.name, value: rounded(peer.value) }, ratio: rounded(value / peer.value) } : {}),
    target: `value <= ${most}`,
    met: value <= most,
  }
}

/** The middle one; of an even number the lower middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
}
