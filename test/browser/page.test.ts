import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { pageFolder } from '@meseta/ui/assets'
import { type Browser, chromium, type Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { app, task } from './support/objects.ts'
import { lockedRefusal, populate, type ScriptedCluster, startScriptedCluster } from './support/scripted-cluster.ts'

const chromiumPath = '/usr/bin/chromium'
const quiet = ['networking', 'component-update', 'sync', 'quic', 'gpu']
const args = [
  '--no-sandbox',
  '--no-first-run',
  ...quiet.map(name => (name === 'networking' ? '--disable-background-networking' : `--disable-${name}`)),
]
const sections = ['overview', 'apps', 'tasks', 'nodes', 'catalog', 'frameworks']
const places = [...sections, 'apps/%2Fteam%2Fdb', 'apps/%2Fshop%2Fmail', 'catalog/web-demo']

interface Opened {
  readonly page: Page
  readonly cluster: ScriptedCluster
  readonly browser: Browser
  /** Everything that must not be: console errors, exceptions, requests to elsewhere. */
  readonly troubles: string[]
  /** URLs that the page has asked for. */
  readonly requests: string[]
  go(place: string): Promise<void>
  see(text: string): Promise<void>
}

async function open(t: Test, viewport: { width: number; height: number }): Promise<Opened> {
  const cluster = await startScriptedCluster()
  t.teardown(() => cluster.close())
  populate(cluster.writer, Date.now())
  const browser = await chromium.launch({ executablePath: chromiumPath, args })
  t.teardown(() => browser.close())
  const page = await browser.newPage({ viewport })
  page.setDefaultTimeout(5_000)
  const troubles: string[] = []
  const requests: string[] = []
  page.on('console', message => {
    // An answer that refuses is no fault of the page, though the browser notes it.
    if (message.type() === 'error' && !/status of (409|422)/.test(message.text())) troubles.push(message.text())
  })
  page.on('pageerror', error => troubles.push(error.message))
  page.on('dialog', dialog => {
    troubles.push(`a script ran: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('request', request => {
    requests.push(request.url())
    if (!request.url().startsWith(cluster.url) && !request.url().startsWith('data:'))
      troubles.push(`asked elsewhere: ${request.url()}`)
  })
  await page.goto(cluster.url)
  await page.getByRole('heading', { name: 'Needs you (3)' }).waitFor()
  const go = async (place: string) => {
    await page.evaluate(hash => {
      location.hash = hash
    }, `#/${place}`)
    await page.waitForFunction(hash => location.hash === hash, `#/${place}`)
  }
  return { page, cluster, browser, troubles, requests, go, see: text => page.getByText(text).first().waitFor() }
}

const built = spawnSync(process.execPath, [fileURLToPath(new URL('../../router/ui/build.mjs', import.meta.url))])
const skip = existsSync(chromiumPath) ? false : `${chromiumPath} is not installed`

t.test('the page builds, and its first script is small', async t => {
  t.equal(built.status, 0, String(built.stderr))
  const size = gzipSync(readFileSync(join(pageFolder, 'app.js'))).length
  t.ok(size <= 200_000, `${size} bytes gzipped`)
})

t.test('the cluster is shown, and follows its changes without asking again', { skip }, async t => {
  const { page, cluster, troubles, requests, go, see } = await open(t, { width: 1280, height: 800 })

  await t.test('the overview tells names, numbers, reasons and addresses', async () => {
    for (const text of ['demo', 'leader 127.0.0.1:5050', 'live', '5.4 of 16', '12.3 GiB of 48 GiB']) await see(text)
    await see('cpus: needs 8, best of 4 nodes has 3.5')
    await see('1 of 3 not running; last failure: Command exited with status 137')
    await see('shop-web.marathon.l4lb.thisdcos.directory:80')
    const link = page.getByRole('link', { name: '/service/shop/' })
    t.equal(await link.getAttribute('target'), '_blank')
    t.match(await link.getAttribute('rel'), /noopener/)
  })

  await t.test('a change is on the screen within a second', async t => {
    const begun = Date.now()
    cluster.writer.put('wait', '/team/db', { code: 'INSUFFICIENT_MEM', sentence: 'memory: needs 64 GiB, best has 12' })
    await see('memory: needs 64 GiB, best has 12')
    t.ok(Date.now() - begun < 1_000, `${Date.now() - begun} ms`)
    cluster.writer.del('wait', '/team/db')
    cluster.writer.put('app', '/team/db', app('/team/db', { instances: 3, tasksRunning: 3 }))
    await page.getByRole('heading', { name: 'Needs you (2)' }).waitFor()
  })

  await t.test('an app that waits says why in its row', async () => {
    await go('apps')
    cluster.writer.put('wait', '/shop/cart', { code: 'CONSTRAINT', sentence: 'rack: no node has rack c' })
    const row = page.getByRole('row').filter({ hasText: '/shop/cart' })
    await row.filter({ hasText: 'waiting' }).filter({ hasText: 'rack: no node has rack c' }).waitFor()
  })

  await t.test('markup in names, messages and notes stays text', async t => {
    const bad = '<img src=x onerror=alert(1)>'
    cluster.writer.put('app', `/${bad}`, app(`/${bad}`, { instances: 2, lastTaskFailure: { message: bad } }))
    cluster.writer.put('task', `fw-1/${bad}`, { ...task('/x', 1, 'TASK_FAILED', Date.now()), id: bad, message: bad })
    cluster.writer.put('package', bad, { name: bad, description: bad, tags: [bad] })
    for (const section of sections) {
      await go(section)
      if (!['nodes', 'frameworks'].includes(section)) await see(bad)
    }
    t.equal(await page.locator('img').count(), 0)
    cluster.writer.del('app', `/${bad}`)
    cluster.writer.del('task', `fw-1/${bad}`)
    cluster.writer.del('package', bad)
  })

  await t.test('however many changes come, the page is drawn ten times a second at most', async t => {
    await go('apps')
    await page.evaluate(() => {
      const drawn: number[] = []
      new MutationObserver(() => drawn.push(performance.now())).observe(document.querySelector('tbody')!, {
        subtree: true,
        characterData: true,
        childList: true,
      })
      Object.assign(globalThis, { drawn })
    })
    for (let round = 1; round <= 60; round += 1) {
      cluster.writer.put('app', '/shop/cart', app('/shop/cart', { instances: 60, tasksRunning: round }))
      await new Promise(resolve => setImmediate(resolve))
      await page.evaluate(() => undefined)
    }
    await page.getByRole('row').filter({ hasText: '/shop/cart' }).filter({ hasText: '60/60' }).waitFor()
    const drawn = await page.evaluate(() => (globalThis as unknown as { drawn: number[] }).drawn)
    const seconds = (drawn.at(-1)! - drawn[0]!) / 1_000
    t.ok(drawn.length <= 10 * seconds + 2, `${drawn.length} drawings in ${seconds} s`)
    cluster.writer.put('app', '/shop/cart', app('/shop/cart', { instances: 2, tasksRunning: 2 }))
  })

  await t.test('ten thousand tasks are drawn a page at a time', async t => {
    const now = Date.now()
    for (let index = 0; index < 10_000; index += 1) {
      const made = task('/many', index, index % 50 === 0 ? 'TASK_FAILED' : 'TASK_RUNNING', now)
      cluster.writer.put('task', `fw-1/${made.id}`, made)
    }
    await go('tasks')
    await see('Page 1 of 101')
    t.equal(await page.locator('tbody tr').count(), 100)
    await page.getByRole('searchbox', { name: 'Filter' }).fill('is:failed app:/many')
    await see('200 of 10,012')
    t.match(page.url(), /q=is%3Afailed/, 'the filter stands in the address')
    for (let index = 0; index < 10_000; index += 1)
      cluster.writer.del('task', `fw-1/${task('/many', index, '', now).id}`)
    await page.getByRole('button', { name: 'All', exact: true }).click()
    await page.locator('.filter-count').filter({ hasText: /^12$/ }).waitFor()
  })

  await t.test('idle, it asks for nothing', async t => {
    await go('overview')
    const before = requests.length
    await new Promise(resolve => setTimeout(resolve, 3_000))
    t.strictSame(requests.slice(before), [])
    const streams = requests.filter(url => url.includes('/meseta/v1/events'))
    t.equal(streams.length, 1, 'one stream for all of it')
  })

  t.strictSame(troubles, [])
})

t.test('acts are confirmed, sent, and answered in the cluster’s words', { skip }, async t => {
  const { page, cluster, troubles, go, see } = await open(t, { width: 1280, height: 800 })
  const dialog = page.getByRole('dialog')
  const sent = () =>
    cluster.asked.filter(({ url }) => !url.startsWith('/meseta/')).map(({ method, url }) => `${method} ${url}`)

  await t.test('scaling an app that is locked offers to force', async t => {
    await go('apps/%2Fshop%2Fweb')
    await page.getByRole('button', { name: 'Scale' }).press('Enter')
    await page.keyboard.press('Backspace')
    t.ok(await dialog.getByRole('button', { name: 'Scale' }).isDisabled(), 'nothing typed stops nothing')
    await page.keyboard.press('Enter')
    await page.keyboard.type('5')
    cluster.refusal = lockedRefusal
    await dialog.getByRole('button', { name: 'Scale' }).click()
    await dialog.getByText('App is locked by one or more deployments').waitFor()
    cluster.refusal = undefined
    await dialog.getByRole('button', { name: 'Force scale' }).click()
    await dialog.getByText('The cluster accepted it').waitFor()
    t.strictSame(sent(), ['PUT /marathon/v2/apps/shop/web', 'PUT /marathon/v2/apps/shop/web?force=true'])
    t.strictSame(cluster.asked.at(-1)!.body, { instances: 5 })
    await dialog.getByRole('button', { name: 'Close' }).last().click()
  })

  await t.test('deleting needs the name', async t => {
    await page.getByRole('button', { name: 'Delete' }).click()
    const button = dialog.getByRole('button', { name: 'Delete' })
    t.ok(await button.isDisabled())
    await dialog.getByRole('textbox').fill('/shop/web')
    await dialog.getByRole('textbox').press('Enter')
    await dialog.getByText('The cluster accepted it').waitFor()
    t.equal(sent().at(-1), 'DELETE /marathon/v2/apps/shop/web?force=false')
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
  })

  await t.test('a new app: JSON is checked here, its meaning by Marathon, by path', async t => {
    await go('apps')
    await page.getByRole('button', { name: 'New app' }).click()
    const text = dialog.getByRole('textbox')
    await text.fill('{"id": ')
    await dialog.getByText('This is not JSON').waitFor()
    await text.fill('{"id": "/x", "cpus": -1}')
    const details = [{ path: '/cpus', errors: ['must be at least 0'] }]
    cluster.refusal = { status: 422, body: { message: 'Object is not valid', details } }
    await dialog.getByRole('button', { name: 'Deploy' }).click()
    await dialog.getByRole('alert').filter({ hasText: '/cpus must be at least 0' }).waitFor()
    t.equal(sent().at(-1), 'POST /marathon/v2/apps')
    cluster.refusal = undefined
    await page.keyboard.press('Escape')
  })

  await t.test('logs are read when they are opened, and are text', async t => {
    cluster.log = `first\n${'x'.repeat(60_000)}\n<b>bold</b> <img src=x onerror=alert(1)>\nlast line\n`
    await go('tasks')
    await page.getByRole('row').filter({ hasText: 'shop_web' }).first().getByRole('link').click()
    await page.getByRole('button', { name: 'stdout' }).waitFor()
    t.notOk(
      sent().some(line => line.includes('/files/read')),
      'nothing is read before',
    )
    await page.getByRole('button', { name: 'stdout' }).click()
    await see('<img src=x onerror=alert(1)>')
    cluster.log += 'one more\n'
    await page.getByRole('button', { name: 'Look for more' }).click()
    await see('one more')
    const earlier = page.getByRole('button', { name: 'Load earlier' })
    await earlier.click()
    await see('xxxx')
    await earlier.click()
    await see('first')
    t.ok(await earlier.isDisabled(), 'there is nothing before the beginning')
    t.equal(await page.locator('img, b').count(), 0)
    // A log that is followed is asked for until its task has ended, and then once more.
    await page.getByRole('checkbox', { name: 'Follow' }).check()
    cluster.log += 'followed\n'
    await see('followed')
    const [key, running] = decodeURIComponent(page.url().split('#/tasks/')[1]!).split('/') as [string, string]
    cluster.log += 'last words\n'
    cluster.writer.put('task', `${key}/${running}`, {
      ...task('/shop/web', 1, 'TASK_FINISHED', Date.now()),
      id: running,
    })
    await see('last words')
    await page.getByRole('checkbox', { name: 'Follow' }).waitFor({ state: 'detached' })
    const reads = cluster.asked.length
    await page.waitForTimeout(2_500)
    t.equal(cluster.asked.length, reads, 'what has ended is not asked for again')
  })

  await t.test('a package is installed with one changed option, by keys, its progress shown', async t => {
    await go('catalog')
    await page
      .getByRole('link', { name: /web-demo/ })
      .first()
      .focus()
    await page.keyboard.press('Enter')
    await page.getByLabel('greeting').fill('Good day')
    await page.getByRole('button', { name: 'Install with these options' }).press('Enter')
    await see('0 of 2')
    const { body } = cluster.asked.find(({ url }) => url === '/package/install')!
    t.strictSame(body, {
      packageName: 'web-demo',
      packageVersion: '1.2.0',
      options: { service: { greeting: 'Good day' } },
    })
    const running = { instances: 2, tasksRunning: 2, tasksHealthy: 2, healthChecks: 1 }
    cluster.writer.put('app', '/web-demo', app('/web-demo', running))
    await see('web-demo is installed')
  })

  t.strictSame(troubles, [])
})

t.test('definitions, deployments and packages are changed by the calls that the dialogs show', { skip }, async t => {
  const { page, cluster, troubles, go, see } = await open(t, { width: 1280, height: 800 })
  const dialog = page.getByRole('dialog')
  const last = () => cluster.asked.filter(({ url }) => !url.startsWith('/meseta/')).at(-1)!
  const accepted = async (method: string, url: string, body?: unknown) => {
    await dialog.getByRole('status').waitFor()
    t.match(last(), { method, url, ...(body === undefined ? {} : { body }) })
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
  }

  await t.test('editing begins with the definition as it can be sent, and replaces it', async t => {
    await go('apps/%2Fshop%2Fweb')
    await page.waitForFunction(() => document.title === '/shop/web · Meseta')
    await page.getByRole('button', { name: 'Edit' }).click()
    const definition = JSON.parse(await dialog.getByRole('textbox').inputValue()) as Record<string, unknown>
    t.equal(definition.cmd, 'node server.mjs')
    for (const shownOnly of ['version', 'tasksRunning', 'deployments']) t.notOk(shownOnly in definition, shownOnly)
    await dialog.getByRole('button', { name: 'Apply' }).click()
    await accepted('PUT', '/marathon/v2/apps/shop/web?partialUpdate=false', { cmd: 'node server.mjs' })
  })

  await t.test('a pod and a group go where they belong', async () => {
    await go('apps')
    for (const [kind, definition] of [
      ['pods', { id: '/p', containers: [] }],
      ['groups', { id: '/g', apps: [] }],
    ] as const) {
      await page.getByRole('button', { name: 'New app' }).click()
      await dialog.getByRole('textbox').fill(JSON.stringify(definition))
      await dialog.getByRole('button', { name: 'Deploy' }).click()
      await accepted('POST', `/marathon/v2/${kind}`, definition)
    }
  })

  await t.test('a deployment is rolled back, not only stopped', async () => {
    await go('overview')
    await page.getByRole('button', { name: 'Roll back' }).click()
    await dialog.getByRole('button', { name: 'Roll back' }).click()
    await accepted('DELETE', '/marathon/v2/deployments/d-1')
  })

  await t.test('uninstalling needs the name of the app', async t => {
    await go('catalog')
    await page.getByRole('button', { name: 'Uninstall /shop/cart' }).click()
    const before = cluster.asked.length
    await dialog.getByRole('textbox').fill('/shop')
    t.ok(await dialog.getByRole('button', { name: 'Uninstall' }).isDisabled())
    await dialog.getByRole('textbox').press('Enter')
    t.equal(cluster.asked.length, before)
    await dialog.getByRole('textbox').fill('/shop/cart')
    await dialog.getByRole('textbox').press('Enter')
    await see('It is gone.')
    await accepted('POST', '/package/uninstall', { packageName: 'kv-store', appId: '/shop/cart' })
  })

  t.strictSame(troubles, [])
})

t.test('order, theme and place are kept; what can not be drawn costs its section only', { skip }, async t => {
  const { page, cluster, go, see } = await open(t, { width: 1280, height: 800 })
  const firstOf = () => page.getByRole('rowheader').first().innerText()
  await go('apps')
  await page.getByRole('button', { name: 'Name' }).click()
  t.match(await firstOf(), /^\/night-report/)
  await page.getByRole('button', { name: 'Name' }).click()
  t.match(await firstOf(), /^\/team\/db/)
  await page.getByLabel('Theme').selectOption('dark')
  await page.reload()
  await see('/team/db')
  t.match(await firstOf(), /^\/team\/db/, 'the order stands in the address')
  t.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark')

  cluster.writer.put('app', '/broken', {
    id: '/broken',
    labels: { DCOS_SERVICE_NAME: 5, DCOS_SERVICE_SCHEME: 'http', DCOS_SERVICE_PORT_INDEX: '0' },
  })
  await page.getByRole('alert').filter({ hasText: 'could not be drawn' }).waitFor()
  cluster.writer.del('app', '/broken')
  await page.getByRole('link', { name: 'Nodes' }).click()
  await see('All nodes')
  await go('apps')
  await page.getByRole('rowheader').first().waitFor()
})

t.test('a connection on which nothing is heard is dead', { skip }, async t => {
  const cluster = await startScriptedCluster()
  t.teardown(() => cluster.close())
  populate(cluster.writer, Date.now())
  const browser = await chromium.launch({ executablePath: chromiumPath, args })
  t.teardown(() => browser.close())
  const page = await browser.newPage()
  await page.clock.install()
  await page.goto(cluster.url)
  await page.getByRole('heading', { name: 'Needs you (3)' }).waitFor()
  // The next try is never answered.
  await page.route('**/meseta/v1/events*', () => undefined)
  await page.clock.fastForward(31_000)
  await page.getByText('no connection to the router (nothing was heard for 25 s)').waitFor()
})

t.test('what is lost is said, and what was known stays', { skip }, async t => {
  const { page, cluster, see } = await open(t, { width: 1280, height: 800 })
  const source = { name: 'marathon', since: Date.now(), detail: 'connection refused', known: true }
  cluster.writer.put('source', 'marathon', { ...source, state: 'lost' })
  await see('the router does not hear Marathon (connection refused)')
  cluster.writer.put('source', 'marathon', { ...source, state: 'live' })
  await page.locator('.banner').waitFor({ state: 'detached' })
  cluster.writer.put('source', 'balancer', { ...source, name: 'balancer', state: 'lost', known: false })
  await see('Nothing is known yet: the router does not hear the balancer.')
  await cluster.close()
  await see('no connection to the router')
  await loadAxe(page)
  t.strictSame(await page.evaluate(violations), [], 'what is greyed can still be read')
  await see('cpus: needs 8, best of 4 nodes has 3.5')
})

t.test('a page that never hears the cluster says why', { skip }, async t => {
  const cluster = await startScriptedCluster()
  t.teardown(() => cluster.close())
  const browser = await chromium.launch({ executablePath: chromiumPath, args })
  t.teardown(() => browser.close())
  const page = await browser.newPage()
  let refuses = true
  await page.route('**/meseta/v1/events*', route =>
    refuses ? route.fulfill({ status: 503, body: 'too many streams' }) : route.continue(),
  )
  await page.goto(cluster.url)
  await page.getByText('nothing is known of the cluster yet (the router answered 503)').waitFor()
  t.equal(await page.getByText('Nothing: no app waits').count(), 0)
  populate(cluster.writer, Date.now())
  refuses = false
  await page.getByRole('heading', { name: 'Needs you (3)' }).waitFor()
  t.equal(await page.locator('.banner').count(), 0)
})

t.test('every section can be read by all, at any width, in light and dark', { skip }, async t => {
  const { page, troubles, go } = await open(t, { width: 360, height: 640 })
  await loadAxe(page)
  for (const [width, colorScheme] of [
    [360, 'light'],
    [1280, 'dark'],
    [1280, 'light'],
  ] as const) {
    await page.setViewportSize({ width, height: 800 })
    await page.emulateMedia({ colorScheme })
    for (const place of places) {
      await go(place)
      await page.locator('main .section').first().waitFor()
      t.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${place} fits ${width} px`)
      t.strictSame(await page.evaluate(violations), [], `${place}, ${width} px, ${colorScheme}`)
    }
  }
  t.strictSame(troubles, [])
})

/** Playwright's own evaluation is not under the page's policy, which allows no foreign script. */
const loadAxe = (page: Page) =>
  page.evaluate(readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'))

interface AxeResult {
  readonly passes: readonly { readonly id: string }[]
  readonly violations: readonly {
    readonly id: string
    readonly impact: string
    readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
  }[]
}

/** Runs in the page. */
async function violations(): Promise<string[]> {
  const { axe } = globalThis as unknown as { axe: { run(): Promise<AxeResult> } }
  const found = await axe.run()
  if (!found.passes.some(({ id }) => id === 'color-contrast')) return ['contrast was not looked at']
  return found.violations
    .filter(({ impact }) => impact !== 'minor')
    .map(({ id, nodes }) => `${id}: ${nodes[0]!.html} ${nodes[0]!.failureSummary}`)
}
