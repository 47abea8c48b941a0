import type { LogView } from '../state.ts'
import { clean, type Line, line, width, wrap } from '../text.ts'
import { rule, type Screen } from './screen.ts'

/** A log over the whole screen. Only what is seen is wrapped. */
export function logLines(log: LogView, screen: Screen, space: number): Line[] {
  const { columns } = screen
  const last = log.follow ? log.lines.length - 1 : Math.min(log.bottom, log.lines.length - 1)
  const where = log.follow ? 'following' : `line ${last + 1} of ${log.lines.length}`
  const title = rule(`${log.file} of ${log.title}`, columns, log.ended === undefined ? where : `ended: ${log.ended}`)
  const room = space - 1
  const shown: string[] = []
  for (let index = last; index >= 0 && shown.length < room; index -= 1) {
    const text = clean(log.lines[index]!)
    if (log.wrap && width(text) > columns) shown.unshift(...wrap(text, columns))
    else shown.unshift(text)
  }
  if (shown.length === 0) return [title, line(log.asked ? '  (it has written nothing yet)' : '  reading ...', 'dim')]
  return [title, ...shown.slice(-room).map(text => line(text))]
}
