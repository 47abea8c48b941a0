import { Box, Text, useInput, useWindowSize } from 'ink'
import { useEffect, useState } from 'react'
import { frame, type Line } from './frame.ts'
import type { Press } from './keys.ts'
import type { Model } from './model.ts'
import type { UiState } from './state.ts'

const colors = { bad: 'red', warn: 'yellow', busy: 'cyan', good: 'green', dim: undefined, title: undefined } as const

/** One line as Ink shows it: letters say everything, colour only repeats it. */
function Row({ line }: { readonly line: Line }) {
  return (
    <Text
      wrap="truncate"
      color={line.tone ? colors[line.tone] : undefined}
      dimColor={line.tone === 'dim'}
      bold={line.tone === 'title'}
      inverse={line.selected === true}
    >
      {line.text === '' ? ' ' : line.text}
    </Text>
  )
}

export interface ScreenProps {
  readonly model: Model
  readonly state: UiState
  /** Calls back when model or state have changed; at most thirty times a second. */
  subscribe(changed: () => void): () => void
  current(): UiState
  press(key: Press): void
}

export function Screen({ model, state: first, subscribe, current, press }: ScreenProps) {
  const [state, setState] = useState(first)
  const [, setTick] = useState(0)
  const { columns, rows } = useWindowSize()
  useEffect(
    () =>
      subscribe(() => {
        setState(current())
        setTick(tick => tick + 1)
      }),
    [subscribe, current],
  )
  useInput((input, key) => {
    // What is typed quickly, or pasted, comes as one text: each letter of it is a key.
    for (const one of pressesOf(input, key)) press(one)
  })
  const lines = frame(state, model, { columns, rows, now: Date.now() })
  return (
    <Box flexDirection="column">
      {lines.map((line, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line is its place on the screen
        <Row key={index} line={line} />
      ))}
    </Box>
  )
}

const letters: Readonly<Record<string, Press['name']>> = {
  '\r': 'return',
  '\n': 'return',
  '\t': 'tab',
  '\u007f': 'backspace',
  '\u001b': 'escape',
}

/** Everything that one reading of the terminal holds, key by key. */
export function pressesOf(input: string, key: InkKey): Press[] {
  const whole = pressOf(input, key)
  if (whole.name !== 'text') return [whole]
  return [...whole.text].map(letter =>
    letters[letter] ? { name: letters[letter], text: '' } : { name: 'text', text: letter },
  )
}

type InkKey = Parameters<Parameters<typeof useInput>[0]>[1]

/** Ink's description of a key as ours. */
function pressOf(input: string, key: InkKey): Press {
  const named = (name: Press['name']): Press => ({ name, text: '' })
  if (key.ctrl && input === 'c') return named('ctrl-c')
  if (key.ctrl && input === 'd') return named('ctrl-d')
  if (key.ctrl && input === 'n') return named('ctrl-n')
  if (key.ctrl && input === 'r') return named('ctrl-r')
  if (key.upArrow) return named('up')
  if (key.downArrow) return named('down')
  if (key.pageUp) return named('pageup')
  if (key.pageDown) return named('pagedown')
  if (key.return) return named('return')
  if (key.escape) return named('escape')
  if (key.tab) return named('tab')
  if (key.backspace || key.delete) return named('backspace')
  return { name: 'text', text: key.ctrl || key.meta ? '' : input }
}
