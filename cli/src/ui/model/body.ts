/** Objects come from the wire: nothing about their fields is taken for granted. */
export type Body = Readonly<Record<string, unknown>>

export const text = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''

export const num = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0)

export const object = (value: unknown): Body =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Body) : {}

export const objects = (value: unknown): readonly Body[] => (Array.isArray(value) ? value.map(object) : [])

export const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(text) : [])

/** `TASK_RUNNING` as `running`. */
export const word = (state: unknown): string =>
  text(state)
    .replace(/^TASK_/, '')
    .toLowerCase()

/** A moment as milliseconds: from ISO text, or from the seconds that Mesos writes; `undefined` for neither. */
export function moment(value: unknown): number | undefined {
  if (typeof value === 'number' && value > 0) return value < 1e11 ? value * 1000 : value
  if (typeof value !== 'string') return undefined
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : at
}
