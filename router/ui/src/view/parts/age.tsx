import { ago, dateTime } from '../../model/format.ts'
import { useClock } from '../context.tsx'

/** How long ago something was, growing older by itself; the exact time on hovering. Nothing for no time. */
export function Age({ at }: { at: number }) {
  const words = useClock(now => (Number.isFinite(at) ? ago(now - at) : ''))
  if (!Number.isFinite(at)) return null
  return (
    <time dateTime={new Date(at).toISOString()} title={dateTime(at)}>
      {words}
    </time>
  )
}
