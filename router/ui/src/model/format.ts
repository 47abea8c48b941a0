/** Numbers and times in words, the same everywhere. Pure. */

const number = new Intl.NumberFormat('en', { maximumFractionDigits: 2 })
const rounded = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })

/** Cores: `0.5`, `12`. */
export const cores = (value: number | undefined): string => number.format(value ?? 0)

export const count = (value: number | undefined): string => number.format(value ?? 0)

/** MiB in the unit that reads best: `128 MiB`, `1.5 GiB`, `2 TiB`. */
export function memory(mib: number | undefined): string {
  const value = mib ?? 0
  if (value < 1024) return `${rounded.format(value)} MiB`
  if (value < 1024 * 1024) return `${rounded.format(value / 1024)} GiB`
  return `${rounded.format(value / 1024 / 1024)} TiB`
}

/** A length of time in ms, in its two largest units: `12 s`, `4 min 3 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const units: readonly [number, string][] = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
    [1, 's'],
  ]
  const first = units.findIndex(([size]) => seconds >= size)
  if (first === -1) return '0 s'
  const [size, name] = units[first]!
  const large = `${Math.floor(seconds / size)} ${name}`
  const next = units[first + 1]
  const small = next ? Math.floor((seconds % size) / next[0]) : 0
  return next && small > 0 ? `${large} ${small} ${next[1]}` : large
}

/** How long ago, in the largest unit. */
export const ago = (ms: number): string =>
  ms < 2_000 ? 'just now' : `${duration(ms).split(' ').slice(0, 2).join(' ')} ago`

/** ms of an ISO time or of ms; NaN for what is no time. */
export const timeOf = (value: string | number | undefined): number =>
  typeof value === 'number' ? value : value === undefined ? Number.NaN : Date.parse(value)

/** A date and time of this place's clock; empty for no time. */
export function dateTime(ms: number): string {
  if (!Number.isFinite(ms)) return ''
  return new Date(ms).toLocaleString('en-GB', {
    year: 'numeric',
    month: 'short',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
}

export const clockTime = (ms: number): string => new Date(ms).toLocaleTimeString('en-GB')

export const percent = (part: number, whole: number): number =>
  whole > 0 ? Math.min(100, Math.max(0, (part / whole) * 100)) : 0

/** A long id with its beginning and its end, which differ most. */
export const shortened = (id: string, longest = 36): string =>
  id.length <= longest ? id : `${id.slice(0, longest - 15)}…${id.slice(-14)}`

/** `1 task`, `2 tasks`. */
export const plural = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`

/** What people call a task state: `TASK_RUNNING` is `running`. */
export const stateWord = (state: string | undefined): string =>
  (state ?? 'unknown')
    .replace(/^TASK_/, '')
    .replaceAll('_', ' ')
    .toLowerCase()

/** What people call a reason: `REASON_CONTAINER_LAUNCH_FAILED` is `container launch failed`. */
export const reasonWord = (reason: string | undefined): string =>
  (reason ?? '')
    .replace(/^REASON_/, '')
    .replaceAll('_', ' ')
    .toLowerCase()
