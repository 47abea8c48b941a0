/** The link format that this version writes by itself; it grows by one with each minor version that changes the link. */
export const linkVersion = 2

/** Why a peer's format is not read, naming both; undefined when it is: a reader takes its own and the previous one. */
export function refusal(theirs: number | undefined, who: string): string | undefined {
  if (theirs === linkVersion || theirs === linkVersion - 1) return undefined
  return `the ${who} speaks link format ${theirs ?? 'unknown'}, this side reads ${linkVersion} and ${linkVersion - 1}: upgrade the older one by one minor version at a time`
}

/** From this format on a frame may hold several messages. */
export const batchesSince = 2

/** The format to write to a peer: its own, when that is the older one. */
export const common = (theirs: number): number => Math.min(theirs, linkVersion)
