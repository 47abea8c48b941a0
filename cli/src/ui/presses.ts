import type { Key } from 'ink'
import type { Press } from './keys/press.ts'

const named = (name: Press['name']): Press => ({ name, text: '' })

const letters: Readonly<Record<string, Press['name']>> = {
  '\r': 'return',
  '\n': 'return',
  '\t': 'tab',
  '\b': 'backspace',
  '\u001b': 'escape',
}

const withCtrl: Readonly<Record<string, Press['name']>> = {
  c: 'ctrl-c',
  d: 'ctrl-d',
  n: 'ctrl-n',
  r: 'ctrl-r',
  u: 'ctrl-u',
  v: 'ctrl-v',
}

const flags: readonly (readonly [keyof Key, Press['name']])[] = [
  ['upArrow', 'up'],
  ['downArrow', 'down'],
  ['leftArrow', 'left'],
  ['rightArrow', 'right'],
  ['pageUp', 'pageup'],
  ['pageDown', 'pagedown'],
  ['home', 'home'],
  ['end', 'end'],
  ['return', 'return'],
  ['escape', 'escape'],
  ['backspace', 'backspace'],
  ['delete', 'backspace'],
]

/** Everything that one reading of the terminal holds, key by key: what is typed quickly, or pasted, comes as one text. */
export function pressesOf(input: string, key: Key): Press[] {
  if (key.ctrl) return [named(withCtrl[input] ?? 'other')]
  if (key.tab) return [named(key.shift ? 'backtab' : 'tab')]
  const flag = flags.find(([name]) => key[name] === true)
  if (flag) return [named(flag[1])]
  if (key.meta || input === '') return [named('other')]
  return [...input].map(letter => {
    // Ink names control keys only where they come alone: ctrl-a is 1, ctrl-b is 2, and so on.
    const name = letters[letter] ?? withCtrl[String.fromCharCode(letter.charCodeAt(0) + 96)]
    if (name && letter < ' ') return named(name)
    if (letter === '\u007f') return named('backspace')
    return /\p{Cc}/u.test(letter) ? named('other') : { name: 'text', text: letter }
  })
}
