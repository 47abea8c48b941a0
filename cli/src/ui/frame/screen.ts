import { cutMiddle, type Line, span, width } from '../text.ts'

/** What a frame is drawn for, beside state and model. */
export interface Screen {
  readonly columns: number
  readonly rows: number
  /** The caller's clock, milliseconds. */
  readonly now: number
  /** Where each list was scrolled to in the frame before: lists stay where they are while their row is seen. */
  readonly tops: Map<string, number>
  /** Told each row that is made. */
  made?(): void
}

export const rule = (title: string, columns: number, right = ''): Line => {
  const tail = right === '' ? '' : ` ${right} -`
  const head = `- ${cutMiddle(title, Math.max(8, columns - width(tail) - 3))} `
  return [
    { text: head, bold: true },
    span('-'.repeat(Math.max(0, columns - width(head) - width(tail))), 'dim'),
    span(tail, 'dim'),
  ]
}

/** The first row that is shown, so that the cursor's row is, moved as little as possible. */
export function scrolledTo(screen: Screen, list: string, cursor: number, visible: number, count: number): number {
  const before = screen.tops.get(list) ?? 0
  const least = Math.max(0, cursor - visible + 1)
  const top = Math.max(0, Math.min(Math.max(least, Math.min(before, cursor)), count - visible))
  screen.tops.set(list, top)
  return top
}

/** Exactly so many lines. */
export const filled = (lines: readonly Line[], count: number): Line[] => [
  ...lines.slice(0, count),
  ...Array.from({ length: Math.max(0, count - lines.length) }, (): Line => []),
]
