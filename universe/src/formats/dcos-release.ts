/** The DC/OS release that Meseta counts itself as when packages ask for one. */
export const ourRelease = '2.2'

/** Whether a package that needs `minimum` is for us: numbers compare part by part, missing ones are 0, a suffix is ignored. */
export function isForUs(minimum: string | undefined): boolean {
  if (minimum === undefined) return true
  const parts = (text: string) => text.replace(/-.*$/, '').split('.').map(Number)
  const needed = parts(minimum)
  const have = parts(ourRelease)
  for (let index = 0; index < Math.max(needed.length, have.length); index += 1) {
    const difference = (have[index] ?? 0) - (needed[index] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return true
}
