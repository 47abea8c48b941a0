import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { type ScriptedRouter, scriptedRouter } from './router.ts'

t.setTimeout(60_000)

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../..', import.meta.url))
const program = fileURLToPath(new URL('program.ts', import.meta.url))
const node = [process.execPath, '--conditions=meseta-source', '--import', './scripts/tsx.mjs', program]
const hasTmux = spawnSync('tmux', ['-V']).status === 0
const skip = hasTmux ? false : 'tmux is not installed: a real terminal can not be had'

const quote = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`

/** The UI in a real terminal of its own, below a shell that says how it ended. */
class Terminal {
  readonly #folder = mkdtempSync(join(tmpdir(), 'meseta-ui-'))
  readonly #socket = basename(this.#folder)
  /** What env(1) makes of the surroundings. */
  environment = ['-u', 'CI', '-u', 'NO_COLOR']

  async start(router: string, columns: number, rows: number, ...more: string[]): Promise<void> {
    const words = ['env', ...this.environment, ...node, router, this.#pidFile, ...more]
    // The line at the end shows the way out, and in which mode the terminal was left.
    const script = `${words.map(quote).join(' ')} 2>&1; echo "left with $?"; stty -a | grep -o -e '-*icanon'; exec cat`
    const size = ['-x', String(columns), '-y', String(rows)]
    await this.tmux('-f', '/dev/null', 'new-session', '-d', ...size, '-c', root, script)
    await this.tmux('set-option', '-g', 'status', 'off')
    await this.resize(columns, rows)
  }

  get #pidFile(): string {
    return join(this.#folder, 'pid')
  }

  get pid(): number {
    return Number(readFileSync(this.#pidFile, 'utf8'))
  }

  async tmux(...words: string[]): Promise<string> {
    const env = { ...process.env, TMUX_TMPDIR: this.#folder }
    return (await run('tmux', ['-L', this.#socket, ...words], { env })).stdout
  }

  async keys(...names: string[]): Promise<void> {
    await this.tmux('send-keys', ...names)
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.tmux('resize-window', '-x', String(columns), '-y', String(rows))
  }

  screen(): Promise<string> {
    return this.tmux('capture-pane', '-p')
  }

  /** The screen, as soon as it shows this. */
  async until(pattern: RegExp): Promise<string> {
    const deadline = Date.now() + 20_000
    for (;;) {
      const screen = await this.screen()
      if (pattern.test(screen)) return screen
      if (Date.now() > deadline) throw new Error(`${pattern} is not shown within 20 s, but\n${screen}`)
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }

  async end(): Promise<void> {
    await this.tmux('kill-server').catch(() => undefined)
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

async function opened(t: Test, router: ScriptedRouter, columns: number, rows: number, ...more: string[]) {
  const terminal = new Terminal()
  t.teardown(() => terminal.end())
  await terminal.start(router.url, columns, rows, ...more)
  await terminal.until(/live/)
  return terminal
}

async function routerOf(t: Test, port?: number): Promise<ScriptedRouter> {
  const router = await scriptedRouter(port)
  t.teardown(() => router.close())
  return router
}

t.test('a package is installed by keys alone, through a resize, and removed again', { skip }, async t => {
  const router = await routerOf(t)
  const terminal = await opened(t, router, 80, 24)
  await terminal.keys(':cat', 'Enter', 'j', 'Enter')
  await terminal.until(/> Name +\* \[web-demo/)
  await terminal.keys('j', 'Enter', 'C-u', '3', 'Enter')
  await terminal.until(/instances \* \[3 +\] {2}changed, default 2/)
  await terminal.resize(40, 10)
  const small = await terminal.until(/2\/4 options/)
  t.match(small, /> instances \* \[3/, 'row and value are kept')
  await terminal.resize(80, 24)
  await terminal.until(/2 of 4: options/)
  await terminal.keys('C-n')
  await terminal.until(/instances +3, each with 0\.1 cpus/)
  await terminal.keys('Enter')
  await terminal.until(/\* deploying +\[\.{20}\] 0\/3/)
  t.match(router.calls, [{ path: '/package/install', body: { options: { service: { instances: 3 } } } }])
  router.progress(2, 1)
  await terminal.until(/deploying +\[#+\.+\] 2\/3[\s\S]*healthy +\[#+\.+\] 1\/3/)
  await terminal.resize(40, 10)
  await terminal.until(/4\/4 install[\s\S]*2\/3/)
  await terminal.resize(80, 24)
  router.progress(3, 3)
  await terminal.until(/\+ name web-demo[\s\S]*\+ URL http\S+\/service\/web-demo\/ +\d+\.\d s/)
  await terminal.keys('Enter')
  await terminal.until(/Packages 2/)
  await terminal.keys('G', 'u', 'web-dem', 'Enter')
  await terminal.until(/"web-dem" is not web-demo: nothing is done/)
  await terminal.keys('u', 'web-demo', 'Enter')
  await terminal.until(/Packages 1/)
  t.match(router.calls.at(-1), { path: '/package/uninstall', body: { appId: '/web-demo' } })
})

t.test('at 40 x 10 everything important is there', { skip }, async t => {
  const terminal = await opened(t, await routerOf(t), 40, 10)
  const screen = await terminal.until(/Apps 3/)
  t.match(screen, /2 need you/)
  t.match(screen, /x \/team\/db +waiting +0\/3/)
  await terminal.keys('G', '+')
  await terminal.until(/\/web: 2 -> 3 instances\?/)
  await terminal.keys('Escape')
  await terminal.until(/q quit/)
  await terminal.resize(39, 10)
  await terminal.until(/39 x 10 is too small/)
})

t.test('a log fills the screen and follows', { skip }, async t => {
  const terminal = await opened(t, await routerOf(t), 80, 24)
  await terminal.keys('G', 'l')
  const screen = await terminal.until(/following -[\s\S]*line 60 of the log/)
  t.match(screen, /line 40 of the log/)
  await terminal.keys('Escape')
  await terminal.until(/> {2}\/web/)
})

t.test('the router killed: last data with its age, nothing is sent; back: live again', { skip }, async t => {
  const router = await routerOf(t)
  const terminal = await opened(t, router, 80, 24)
  await router.close()
  const stale = await terminal.until(/STALE [2-9]s/)
  t.match(stale, /\/web +running/)
  t.match(stale, /! not heard: .*acting keys\s+are off/)
  await terminal.keys('G', '+', 'Enter')
  await terminal.until(/not heard, so nothing was sent/)
  const again = await routerOf(t, Number(new URL(router.url).port))
  await terminal.until(/ live$/m)
  await terminal.keys('+', 'Enter')
  await terminal.until(/\/web is being scaled to 3/)
  t.match(again.calls, [{ path: '/marathon/v2/apps/web', body: { instances: 3 } }])
})

/** The terminal as a shell wants it: no alternate screen, a cursor, lines again. */
async function isRestored(t: Test, terminal: Terminal, code: number): Promise<void> {
  const screen = await terminal.until(/left with \d+\s+-?icanon/)
  t.match(screen, new RegExp(`left with ${code}\\s+icanon`))
  t.equal((await terminal.tmux('display-message', '-p', '#{alternate_on} #{cursor_flag}')).trim(), '0 1')
}

t.test('leaving, being told to end, and a crash each give the terminal back', { skip }, async t => {
  const router = await routerOf(t)
  const asked = await opened(t, router, 80, 24, 'owner')
  await asked.keys('q')
  await asked.until(/End the cluster and its tasks\? y \/ n/)
  await asked.keys('n')
  await asked.until(/q quit/)
  await asked.keys('C-c')
  await asked.until(/y \/ n/)
  await asked.keys('y')
  await isRestored(t, asked, 0)
  const told = await opened(t, router, 80, 24)
  process.kill(told.pid, 'SIGTERM')
  await isRestored(t, told, 143)
  const crashed = await opened(t, router, 80, 24)
  process.kill(crashed.pid, 'SIGUSR2')
  await isRestored(t, crashed, 1)
  t.match(await crashed.screen(), /crashed as told/)
})

t.test('what the owner announces stands on the screen; told to end, it closes the screen first', { skip }, async t => {
  const terminal = await opened(t, await routerOf(t), 80, 24, 'owner')
  process.kill(terminal.pid, 'SIGUSR1')
  const screen = await terminal.until(/^master-1 has ended; starting it again$/m)
  t.match(screen, /- Events -[\s\S]* meseta up {2}master-1 has ended/, 'it stays when the notice has gone')
  t.match(screen.trimStart(), /^meseta {2}demo/, 'nothing was written over the screen')
  process.kill(terminal.pid, 'SIGTERM')
  await isRestored(t, terminal, 0)
  t.match(await terminal.screen(), /^the UI is closed$/m)
})

t.test('in CI a terminal gets the overview once, and no screen', { skip }, async t => {
  const terminal = new Terminal()
  t.teardown(() => terminal.end())
  terminal.environment = ['CI=true']
  await terminal.start((await routerOf(t)).url, 80, 24)
  t.match(await terminal.until(/left with 0/), /\/team\/db +waiting/)
})

t.test('without a terminal the overview is printed once, without escape codes', async t => {
  const router = await routerOf(t)
  const folder = t.testdir({})
  const { stdout } = await run(node[0]!, [...node.slice(1), router.url, join(folder, 'pid')], { cwd: root })
  t.match(stdout, /^meseta {2}demo[\s\S]*\/team\/db +waiting +0\/3 .*cpus: needs 8, the best of 2 agents has 3\n/)
  t.notOk(stdout.includes('\u001b'))
})
