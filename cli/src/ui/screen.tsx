import { Box, Text, useInput, useWindowSize } from 'ink'
import { memo, useEffect, useSyncExternalStore } from 'react'
import { pressesOf } from './presses.ts'
import type { Session } from './session.ts'
import type { Size } from './state.ts'
import { isSameLine, type Line, type Tone } from './text.ts'

const colors: Readonly<Record<Tone, string | undefined>> = {
  bad: 'red',
  warn: 'yellow',
  busy: 'cyan',
  good: 'green',
  dim: undefined,
}

interface RowProps {
  readonly line: Line
  readonly colored: boolean
}

/** One line. It is laid out again only when it has changed. */
const Row = memo(
  ({ line, colored }: RowProps) => (
    <Text wrap="truncate">
      {line.map((part, index) => (
        <Text
          // biome-ignore lint/suspicious/noArrayIndexKey: a part is its place in the line
          key={index}
          color={colored && part.tone ? colors[part.tone] : undefined}
          dimColor={part.tone === 'dim'}
          bold={part.bold === true}
          inverse={part.inverse === true}
        >
          {part.text}
        </Text>
      ))}
      {line.every(({ text }) => text === '') ? ' ' : ''}
    </Text>
  ),
  (before, after) => before.colored === after.colored && isSameLine(before.line, after.line),
)

export interface ScreenProps {
  readonly session: Session
  readonly colored: boolean
  /** Instead of the terminal's own size. */
  readonly size?: Size
}

/** The session's frame, drawn when its version grows; keys go to the session. */
export function Screen({ session, colored, size }: ScreenProps) {
  useSyncExternalStore(session.subscribe, session.version)
  const window = useWindowSize()
  const { columns, rows } = size ?? window
  useEffect(() => session.resize({ columns, rows }), [session, columns, rows])
  useInput((input, key) => {
    for (const press of pressesOf(input, key)) session.press(press)
  })
  return (
    <Box flexDirection="column">
      {session.shown.map((line, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line is its place on the screen
        <Row key={index} line={line} colored={colored} />
      ))}
    </Box>
  )
}
