import { type Line, line, pad, span } from '../text.ts'

const keys: readonly (readonly [string, string])[] = [
  ['j k, arrows', 'move; PgUp PgDn by pages, g first, G last'],
  ['enter', 'open: tasks of an app, log of a task, form of a package'],
  ['esc', 'back, to the row and filter that were'],
  [':, tab', 'a view by its beginning, ":tasks web" filters too; the next view'],
  ['/', 'filter: words, -word, column:part, column=whole; enter keeps it'],
  ['d', 'describe, with why it waits or failed; y shows JSON'],
  ['l', 'log: f follow, w wrap, tab stdout or stderr'],
  ['+ -', 'instances of an app, confirmed with enter'],
  ['r', 'replace the instances of an app, one after the other'],
  ['ctrl-d', 'delete an app or uninstall a package (u), by typing its name'],
  ['i', 'install: the package in the catalog, elsewhere the catalog'],
  ['o', "an app's URL"],
  ['q, ctrl-c', 'quit'],
]

const more = [
  'Views: overview apps tasks agents frameworks deployments vips catalog packages',
  'Letters: x is bad, ! wants a look, * is under way, > is the row keys act on.',
  'In the form: * is required, +n changed, !n wrong in a section.',
]

export const helpLines = (router: string): Line[] => [
  ...keys.map(([key, text]): Line => [{ text: `  ${pad(key, 13)}`, bold: true }, span(text)]),
  line(),
  ...[...more, `The page of this cluster: ${router}/`].map(text => line(`  ${text}`)),
]
