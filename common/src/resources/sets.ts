// Sets of text as ascending lists without repetition.

export type Items = readonly string[]

export function fromItems(items: readonly string[]): Items {
  return items.length < 2 ? items : [...new Set(items)].sort()
}

export function union(a: Items, b: Items): Items {
  return fromItems([...a, ...b])
}

/** What is in `a` and not in `b`. */
export function difference(a: Items, b: Items): Items {
  const without = new Set(b)
  return a.filter(item => !without.has(item))
}

/** Is all of `b` in `a`? */
export function covers(a: Items, b: Items): boolean {
  const all = new Set(a)
  return b.every(item => all.has(item))
}
