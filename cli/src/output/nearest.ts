/** Edit distance (insert, delete, replace, swap of neighbours), given up beyond `limit`. */
export function distance(a: string, b: string, limit = 2): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  let older: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1]
      let best = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, older[j - 2]! + 1)
      row.push(best)
    }
    older = previous
    previous = row
  }
  return previous[b.length]!
}

/** The known words a mistyped one may stand for: within edit distance 2 or by prefix, at most three, nearest first. */
export function nearest(word: string, known: readonly string[]): string[] {
  return known
    .map(name => ({ name, far: name.startsWith(word) ? 0 : distance(word, name) }))
    .filter(({ far, name }) => far <= Math.min(2, Math.max(1, Math.floor(name.length / 2))))
    .sort((a, b) => a.far - b.far || (a.name < b.name ? -1 : 1))
    .slice(0, 3)
    .map(({ name }) => name)
}

/** `Did you mean "list"?`, or undefined when nothing is near. */
export function didYouMean(word: string, known: readonly string[]): string | undefined {
  const names = nearest(word, known)
  return names.length > 0 ? `Did you mean ${names.map(name => `"${name}"`).join(' or ')}?` : undefined
}
