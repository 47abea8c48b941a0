import { StoreError } from './store.ts'

/** Longest path in UTF-8 bytes; the embedded engine's keys end a little above it. */
export const maxPathBytes = 1024

const encoder = new TextEncoder()

function flaw(path: unknown): string | undefined {
  if (typeof path !== 'string') return `it is ${path === null ? 'null' : typeof path}, not text`
  if (!path.startsWith('/')) return 'it does not begin with "/"'
  if (path.length > maxPathBytes || encoder.encode(path).length > maxPathBytes)
    return `it is longer than ${maxPathBytes} bytes`
  for (const part of path.slice(1).split('/')) {
    if (part === '') return 'it has an empty part'
    if (part === '.' || part === '..') return `it has the part "${part}"`
    // What ZooKeeper refuses too: control characters, lone surrogates, the private use area and the specials.
    if (/[\p{Cc}\p{Cs}\p{Co}\ufff0-\uffff]/u.test(part)) return 'it has a control or unassigned character'
  }
  return undefined
}

/** Throws INVALID unless the path is `/a`, `/a/b` and so on. */
export function checkPath(path: string): void {
  const reason = flaw(path)
  if (reason === undefined) return
  const shown = typeof path === 'string' && path.length > 80 ? `${path.slice(0, 80)}…` : path
  throw new StoreError('INVALID', String(path).slice(0, 200), `the path ${JSON.stringify(shown)} is refused: ${reason}`)
}

/** As `checkPath`, and the root `/` is allowed: it can be listed and watched. */
export function checkFolder(path: string): void {
  if (path !== '/') checkPath(path)
}

/** The folder a record is in: `/a` of `/a/b`, `/` of `/a`. */
export function parentOf(path: string): string {
  const end = path.lastIndexOf('/')
  return end <= 0 ? '/' : path.slice(0, end)
}

/** The last part: `b` of `/a/b`. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** The folders above a record, outermost first, without the root: `/a`, `/a/b` of `/a/b/c`. */
export function foldersOf(path: string): string[] {
  const parts = path.slice(1).split('/')
  return parts.slice(0, -1).map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)
}

/** A child's path. */
export function childOf(folder: string, name: string): string {
  return folder === '/' ? `/${name}` : `${folder}/${name}`
}
