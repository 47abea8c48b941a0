import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@meseta/common/service/clock'
import { Health } from '@meseta/common/service/health'
import { createHttp } from '@meseta/common/service/http'
import { createLogger } from '@meseta/common/service/logger'
import { createRegistry } from '@meseta/common/service/metrics'
import t from 'tap'
import { addPage } from '../src/routes/page.ts'

t.test('a page that is built while the router runs is served, as its message promises', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'meseta-page-'))
  const log = createLogger({ name: 'page', level: 'silent' })
  const http = createHttp(
    { flags: { ip: '127.0.0.1', port: 0 }, log, metrics: createRegistry(), clock: systemClock },
    { name: 'page', health: new Health(), closeGrace: 50 },
  )
  addPage(http.app, folder)
  const url = await http.listen()
  t.teardown(async () => {
    await http.close()
    rmSync(folder, { recursive: true })
  })
  const missing = await fetch(`${url}/`)
  t.equal(missing.status, 503)
  t.match(await missing.text(), /node router\/ui\/build\.mjs/)
  writeFileSync(join(folder, 'app.js'), 'app')
  writeFileSync(join(folder, 'index.html'), '<html>')
  const page = await fetch(`${url}/`)
  t.equal(page.status, 200)
  t.equal(await page.text(), '<html>')
  for (const [name, value] of [
    ['content-security-policy', /default-src 'self'.*frame-ancestors 'none'; base-uri 'none'/],
    ['x-content-type-options', /^nosniff$/],
    ['x-frame-options', /^DENY$/],
    ['referrer-policy', /^same-origin$/],
  ] as const)
    t.match(page.headers.get(name), value)
  t.notMatch(page.headers.get('content-security-policy'), /unsafe/)
  const again = await fetch(`${url}/`, { headers: { 'if-none-match': page.headers.get('etag')! } })
  t.equal(again.status, 304)
  t.equal(await (await fetch(`${url}/assets/app.js`)).text(), 'app')
  for (const name of ['nothing.js', '..%2fapp.js', '%2e%2e%2fapp.js'])
    t.equal((await fetch(`${url}/assets/${name}`)).status, 404, name)
})
