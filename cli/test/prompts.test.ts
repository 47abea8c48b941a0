import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { cleanEnv, command } from './support/command.ts'
import { type ScriptedRouter, scriptedRouter } from './support/router.ts'
import { world } from './support/world.ts'

const missing = spawnSync('script', ['--version']).status === 0 ? false : 'there is no script(1) to make a terminal'

/**
 * Runs a command on a terminal of its own (script(1)); each answer is typed when the question before it has been asked.
 * Answers its exit code and all that stood on the terminal.
 */
async function onTerminal(
  t: Test,
  router: ScriptedRouter,
  args: readonly string[],
  answers: readonly (readonly [question: RegExp, answer: string])[],
): Promise<{ code: number | null; screen: string }> {
  const line = [process.execPath, ...command, ...args].map(word => `'${word}'`).join(' ')
  const child = spawn('script', ['-qec', line, '/dev/null'], {
    env: cleanEnv({ MESETA_CLUSTER: router.url, TERM: 'xterm', SHELL: '/bin/sh' }),
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  let screen = ''
  let seen = 0
  const left = [...answers]
  child.stdout.on('data', (chunk: Buffer) => {
    screen += chunk.toString('utf8')
    const next = left[0]
    const found = next?.[0].exec(screen.slice(seen))
    if (!next || !found) return
    seen += found.index + found[0].length
    left.shift()
    child.stdin.write(next[1])
  })
  const [code] = await once(child, 'close')
  t.same(left, [], `all was asked: ${JSON.stringify(screen)}`)
  return { code: code as number | null, screen }
}

t.test('uninstall has the name typed out, three times at most', { skip: missing }, async t => {
  const router = await scriptedRouter(t, world)
  const uninstall = ['package', 'uninstall', 'web-demo', '--no-wait']
  const question = /type the name of the service to confirm: /
  const right = await onTerminal(t, router, uninstall, [
    [question, 'web\r'],
    [question, 'web-demo\r'],
  ])
  t.equal(right.code, 0)
  t.match(right.screen, /"web" is not "web-demo"/)
  t.match(right.screen, /Uninstalled package \[web-demo\] version \[1\.1\.0\]/)
  const calls = () => router.asked.filter(({ route }) => route === 'POST /package/uninstall').length
  t.equal(calls(), 1)

  const wrong = await onTerminal(t, router, uninstall, Array(3).fill([question, 'no\r']))
  t.equal(wrong.code, 1)
  t.match(wrong.screen, /Error: cancelling uninstall/)
  const every = await onTerminal(
    t,
    router,
    [...uninstall, '--all'],
    [[/type 'uninstall all web-demo' to confirm: /, 'uninstall all web-demo\r']],
  )
  t.equal(every.code, 0)
  t.equal(calls(), 2)
})

t.test(
  'install asks; nothing typed is a yes, and what is not an answer ends it with nothing done',
  { skip: missing },
  async t => {
    const router = await scriptedRouter(t, world)
    const install = ['package', 'install', 'web-demo', '--no-wait']
    const question = /Continue installing\? \[yes\/no\] /
    const installed = () => router.asked.filter(({ route }) => route === 'POST /package/install').length
    t.match(await onTerminal(t, router, install, [[question, '\r']]), { code: 0, screen: /Have fun\./ })
    t.equal(installed(), 1)
    t.match(await onTerminal(t, router, install, [[question, 'no\r']]), {
      code: 1,
      screen: /couldn't get confirmation/,
    })
    t.match(await onTerminal(t, router, install, [[question, '\u0004']]), {
      code: 1,
      screen: /couldn't get confirmation/,
    })
    t.match(await onTerminal(t, router, install, [[question, '\u0003']]), { code: 130 })
    t.equal(installed(), 1)
  },
)

t.test('what is read from the keyboard is said', { skip: missing }, async t => {
  const router = await scriptedRouter(t, world)
  const update = await onTerminal(
    t,
    router,
    ['app', 'update', 'test-id'],
    [[/Ctrl-D ends it\n?/, '{"cpus":2}\r\u0004']],
  )
  t.equal(update.code, 0)
  t.match(update.screen, /reading JSON from the keyboard; Ctrl-D ends it/)
})
