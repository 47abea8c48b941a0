// Scalars are decimals with three fixed places (Mesos contract 6.1). Inside they are whole thousandths: sums stay exact.

/** Beyond this a number has no exact thousandths any more. */
export const MAX_SCALAR = Math.floor(Number.MAX_SAFE_INTEGER / 1000)

/** 1.5011 -> 1501, 1.5015 -> 1502. */
export function toThousandths(value: number): number {
  return Math.round(value * 1000)
}

export function fromThousandths(thousandths: number): number {
  return thousandths / 1000
}
