import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { milliseconds, whole } from '../src/client/numbers.ts'
import { assignments, readObject } from '../src/client/options.ts'
import { Failure } from '../src/output/failure.ts'
import { didYouMean, distance, nearest } from '../src/output/nearest.ts'
import { table } from '../src/output/table.ts'

const usage = { name: 'Failure', exit: 'usage' }

t.test('tables: two blanks around, titles centred, words left, numbers right', async t => {
  t.equal(
    table(
      ['name', 'used_resources.disk'],
      [
        ['web', '1.5'],
        ['a-long-name', '20'],
      ],
    ),
    [
      '     NAME      USED RESOURCES DISK  ',
      '  web                          1.5  ',
      '  a-long-name                   20  ',
      '',
    ].join('\n'),
  )
  t.equal(table(['id', 'tasks'], []), '  ID  TASKS  \n', 'no rows: the header')
  t.equal(
    table(
      ['id', 'mem'],
      [
        ['/a', '2'],
        ['/b', '16'],
      ],
      { numbersLeft: true },
    ),
    '  ID  MEM  \n  /a  2    \n  /b  16   \n',
  )
  t.equal(table(['n'], [['1'], ['x']]), '  N  \n  1  \n  x  \n', 'a column with a word is no column of numbers')
  t.equal(table(['n', 'm'], [['a']]), '  N  M  \n  a     \n', 'a missing cell is empty')
  t.equal(table(['n'], [['über'], ['日本']]), '   N    \n  über  \n  日本    \n')
  t.equal(table(['n'], [['a\n\u001b[2Jb']]), '    N     \n  a [2Jb  \n', 'what speaks to a terminal is not passed on')
})

t.test('a table of many rows is made without a call that takes them all as arguments', async t => {
  const rows = Array.from({ length: 200_000 }, (_, index) => [`task-${index}`])
  t.equal(table(['id'], rows).split('\n').length, 200_002)
})

t.test('what a mistyped word may stand for', async t => {
  const known = ['list', 'log', 'show', 'install', 'uninstall', 'up']
  t.same(nearest('lsit', known), ['list'], 'swapped letters are one mistake')
  t.same(nearest('instal', known), ['install'], 'a beginning')
  t.same(nearest('shw', known), ['show'])
  t.same(nearest('xyzzy', known), [])
  t.same(nearest('', known).length, 3, 'at most three')
  t.same(nearest('ab', ['xy']), [], 'a short word is not any other')
  t.equal(didYouMean('lis', known), 'Did you mean "list"?')
  t.equal(didYouMean('lo', ['log', 'los']), 'Did you mean "log" or "los"?')
  t.equal(didYouMean('qqqq', known), undefined)
  t.equal(distance('kitten', 'sitting', 5), 3)
  t.equal(distance('ab', 'ba'), 1)
  t.equal(distance('a', 'abcdefgh'), 3, 'given up beyond the limit')
})

t.test('key=value words become an object', async t => {
  t.same(assignments(['a=1', 'b.c=true', 'b.d=x y', 'e=["f"]', 'g={"h":null}', 'i=', 'j=a=b']), {
    a: 1,
    b: { c: true, d: 'x y' },
    e: ['f'],
    g: { h: null },
    i: '',
    j: 'a=b',
  })
  t.same(assignments(['b.c=2'], { a: 1, b: { c: 1, d: 1 } }), { a: 1, b: { c: 2, d: 1 } })
  for (const word of ['', 'a', '=1', '.=1', 'a..b=1', 'a.=1']) t.throws(() => assignments([word]), usage, word)
  t.throws(() => assignments(['a=1', 'a.b=2']), { ...usage, message: /a is no group/ })
  t.throws(() => assignments(['a=[1]', 'a.0=2']), usage)
})

t.test('hostile keys reach no prototype', async t => {
  for (const word of ['__proto__.polluted=1', 'a.__proto__.polluted=1', '__proto__=1']) {
    t.throws(() => assignments([word]), usage, word)
  }
  const made = assignments(['constructor.prototype.polluted=1', 'toString=2', 'x={"__proto__":{"polluted":1}}'])
  t.equal(({} as Record<string, unknown>).polluted, undefined)
  t.same(Object.keys(made), ['constructor', 'toString', 'x'])
  t.same(made.constructor, { prototype: { polluted: 1 } })
})

t.test('numbers of options are refused before they do harm', async t => {
  t.equal(milliseconds('0.5'), 500)
  t.equal(milliseconds('300'), 300_000)
  for (const text of ['0', '-1', 'x', '', ' ', 'Infinity', 'NaN', '1e10', '3000000']) {
    t.throws(() => milliseconds(text), { ...usage, message: /--timeout takes seconds/ }, text)
  }
  t.equal(whole('0', '--lines', 0), 0)
  for (const text of ['-1', '1.5', '', '0x10', '1e3', '99999999999999999', ' 1']) {
    t.throws(() => whole(text, '--lines', 0), { ...usage, message: /--lines takes a whole number from 0, not/ }, text)
  }
  t.throws(() => whole('101', '--agents', 1, 100), { message: /from 1 to 100/ })
})

t.test('an object is read from a file, and nothing else is taken for one', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'meseta-cli-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'x.json')
  writeFileSync(file, '{"a":[1]}')
  t.same(await readObject(file), { a: [1] })
  for (const text of ['[1]', 'null', '"x"', '3']) {
    writeFileSync(file, text)
    await t.rejects(readObject(file), { name: 'Failure', message: /an object is wanted/ }, text)
  }
  writeFileSync(file, '{"a":')
  await t.rejects(readObject(file), { message: /^error loading JSON: /, hint: `it was read from ${file}` })
  await t.rejects(readObject(join(folder, 'none')), { exit: 'notFound', message: /can't read from resource/ })
  t.ok(new Failure('x') instanceof Error)
})
