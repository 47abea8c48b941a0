import { ago, dateTime } from '../../model/format.ts'
import { useNow } from '../context.tsx'

/** How long ago something was, growing older by itself; the exact time on hovering. Nothing for no time. */
export function Age({ at }: { at: number }) {
  const now = useNow(Date.now() - at < 60_000 ? 1_000 : 15_000)
  if (!Number.isFinite(at)) return null
  return (
    <time dateTime={new Date(at).toISOString()} title={dateTime(at)}>
      {ago(now - at)}
    </time>
  )
}
