import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

t.test('no regular expression of a user stops a process of the command line', async t => {
  // Without the guard the match takes hours: 2^40 ways to share forty letters.
  const script = `process.argv.splice(1, 2, 'meseta', '--version')
await import(${JSON.stringify(main)})
console.log(new RegExp('^(?:(.+)+x)$').test('a'.repeat(40)))`
  const args = ['--conditions=meseta-source', '--import', './scripts/tsx.mjs', '--input-type=module', '-e', script]
  const cwd = fileURLToPath(new URL('../..', import.meta.url))
  const { stdout, stderr, signal } = spawnSync(process.execPath, args, { cwd, timeout: 25_000, encoding: 'utf8' })
  t.equal(signal, null, 'it ended by itself')
  t.match(stdout, /false\n$/, stderr)
})
