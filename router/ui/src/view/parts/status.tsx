import type { ReactNode } from 'react'
import type { Mark } from '../../model/marks.ts'

const shapes: Readonly<Record<Mark, ReactNode>> = {
  good: <circle cx="6" cy="6" r="5" fill="currentColor" />,
  busy: (
    <>
      <circle cx="6" cy="6" r="4.25" fill="none" stroke="currentColor" strokeWidth="1.5" />
      <path d="M6 1.75a4.25 4.25 0 0 1 0 8.5z" fill="currentColor" />
    </>
  ),
  warn: <path d="M6 .8 11.6 11H.4z" fill="currentColor" />,
  bad: <path d="m3.6.6 2.4 2.4L8.4.6l3 3L9 6l2.4 2.4-3 3L6 9l-2.4 2.4-3-3L3 6 .6 3.6z" fill="currentColor" />,
  idle: <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" strokeWidth="1.5" />,
}

/** A state by its shape and its word; the colour only helps. */
export function Status({ mark, children }: { mark: Mark; children: ReactNode }) {
  return (
    <span className={`status status-${mark}`}>
      <svg viewBox="0 0 12 12" width="11" height="11" aria-hidden="true">
        {shapes[mark]}
      </svg>
      <span>{children}</span>
    </span>
  )
}
