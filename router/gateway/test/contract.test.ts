import t from 'tap'
import { backend, cluster, putService, raw, reachable, until } from './support/start.ts'

// Lines of the admin router contract that no other test holds, by section.

t.test(
  '1: the page may be kept for 30 s, its files for two days under a name that changes with them, gzipped',
  async t => {
    const { gateway } = await cluster(t)
    const page = await raw(gateway, '/')
    if (page.status === 503) return t.comment('the page has not been built')
    t.match(page, {
      status: 200,
      headers: { 'cache-control': 'max-age=30', 'x-frame-options': 'DENY', 'content-type': /^text\/html/ },
    })
    const [path] = /\/assets\/app\.js\?v=[\w-]+/.exec(page.body)!
    const script = await fetch(`${gateway.url}${path}`, { headers: { 'accept-encoding': 'identity' } })
    t.equal(script.headers.get('cache-control'), 'max-age=172800')
    t.equal(script.headers.get('vary'), 'Accept-Encoding')
    t.equal(script.headers.get('content-encoding'), null)
    const text = await script.text()
    const zipped = await fetch(`${gateway.url}${path}`, { headers: { 'accept-encoding': 'br, gzip;q=0.5' } })
    t.equal(zipped.headers.get('content-encoding'), 'gzip')
    t.ok(Number(zipped.headers.get('content-length')) < text.length / 2)
    t.equal(await zipped.text(), text)
    t.not(zipped.headers.get('etag'), script.headers.get('etag'))
    const again = await fetch(`${gateway.url}${path}`, {
      headers: { 'if-none-match': script.headers.get('etag')!, 'accept-encoding': 'identity' },
    })
    t.equal(again.status, 304)
    const other = await raw(gateway, '/assets/app.js?v=another')
    t.equal(other.headers['cache-control'], 'no-cache', 'the file of another version is not kept')
    t.equal((await raw(gateway, '/assets/..%2f..%2fpackage.json')).status, 400)
    t.equal((await raw(gateway, '/assets/none.js')).status, 404)
  },
)

t.test('1: /cache/master keeps what the leader answered well for 5 s', async t => {
  const { gateway, master } = await cluster(t)
  let answers = 0
  const leader = await backend(t, (request, response) => {
    answers += 1
    const status = request.url!.includes('missing') ? 404 : request.url!.includes('redirect') ? 307 : 200
    response.writeHead(status, {
      'content-type': 'application/json',
      location: '//other:5050',
      'x-request-id': 'theirs',
      connection: 'keep-alive',
    })
    response.end(
      request.url!.includes('large') ? 'x'.repeat(20 * 1024 * 1024) : JSON.stringify({ answers, url: request.url }),
    )
  })
  master.writer.put('cluster', 'cluster', { leader_info: { pid: `master@127.0.0.1:${leader.port}` } })
  await until(async () => (await raw(gateway, '/mesos/x')).body.includes('answers'))
  const get = (path: string, headers = {}) => raw(gateway, `/cache/master/${path}`, headers)
  answers = 0
  t.match(await get('state-summary?a'), {
    status: 200,
    headers: { 'x-cache-status': 'MISS', 'content-type': 'application/json' },
    body: '{"answers":1,"url":"/master/state-summary?a"}',
  })
  t.match(await get('state-summary?a'), {
    status: 200,
    headers: { 'x-cache-status': 'HIT', 'content-type': 'application/json' },
    body: '{"answers":1,"url":"/master/state-summary?a"}',
  })
  t.match(await get('state-summary?b'), { headers: { 'x-cache-status': 'MISS' }, body: /"answers":2/ })
  t.match(await get('state-summary?a', { 'cache-control': 'no-cache' }), {
    headers: { 'x-cache-status': 'BYPASS' },
    body: /"answers":3/,
  })
  t.match(await get('missing'), { status: 404, headers: { 'x-cache-status': 'MISS' } })
  t.match(await get('missing'), { status: 404, headers: { 'x-cache-status': 'MISS' }, body: /"answers":5/ })
  const redirect = await get('redirect')
  t.match(redirect, { status: 307, headers: { location: '//other:5050', 'x-cache-status': 'MISS' } })
  t.not(redirect.headers['x-request-id'], 'theirs')
  for (let i = 0; i < 2; i += 1) {
    const large = await get('large')
    t.match(large.headers['x-cache-status'], 'MISS', 'what is large is passed on and not kept')
    t.equal(large.body.length, 20 * 1024 * 1024)
  }
  answers = 0
  const together = await Promise.all(Array.from({ length: 20 }, () => get('together')))
  t.ok(
    together.every(({ body }) => body.startsWith('{"answers":1,')),
    'those who ask at the same time are answered once',
  )
  t.equal((await raw(gateway, '/cache/master/state', {}, 'POST', 'x')).status, 200)
})

t.test('1: routes that later versions have say so, what never was is not there', async t => {
  const { gateway } = await cluster(t)
  for (const path of [
    '/login',
    '/exhibitor',
    '/exhibitor/exhibitor/v1/cluster/status',
    '/pkgpanda/x',
    '/nginx/status',
    '/system/v1/agent/A/logs/v1/x',
    '/system/v1/agent/A/metrics/v0/node',
    '/system/v1/leader/mesos/logs',
    '/system/v1/logs/v1/range/',
    '/system/health/v1/report',
    '/system/health/v1/diagnostics/x',
  ])
    t.equal((await raw(gateway, path)).status, 501, path)
  for (const path of [
    '/system/v1/agent/A/other',
    '/system/v1/other',
    '/system/health/v1/other',
    '/system/health/v1/units/x',
    '/system/health/v1/units/x/nodes/127.0.0.1',
    '/dcos-metadata/other',
  ])
    t.equal((await raw(gateway, path)).status, 404, path)
  t.same(JSON.parse((await raw(gateway, '/mesos/overlay-master/state')).body), { network: { overlays: [] } })
  t.match(await raw(gateway, '/nginx/metrics'), {
    status: 200,
    headers: { 'content-type': /^text\/plain; version=0\.0\.4/ },
  })
})

t.test('operations, 6: health by unit and node', async t => {
  const { gateway } = await cluster(t)
  const base = '/system/health/v1'
  const get = async (path: string) => JSON.parse((await raw(gateway, `${base}${path}`)).body)
  const id = 'dcos-mesos-master.service'
  t.match((await get('/units')).units[0], { id, name: 'Master', health: 0, description: /^Master: / })
  t.match(await get(`/units/${id}`), { id, health: 0 })
  t.same(await get(`/units/${id}/nodes`), { nodes: [{ host_ip: '127.0.0.1', health: 0, role: 'master' }] })
  t.match(await get(`/units/${id}/nodes/127.0.0.1`), {
    host_ip: '127.0.0.1',
    health: 0,
    role: 'master',
    output: '',
    help: /./,
  })
  t.match(await get(`/nodes/127.0.0.1/units/${id}`), { id, health: 0, output: '', help: /./ })
  t.match(await get('/nodes'), { nodes: [{ host_ip: '127.0.0.1' }] })
  for (const path of [
    '/nodes/127.0.0.9',
    '/nodes/127.0.0.9/units',
    `/nodes/127.0.0.9/units/${id}`,
    `/units/${id}/nodes/127.0.0.9`,
    '/units/none/nodes',
  ])
    t.equal((await raw(gateway, `${base}${path}`)).status, 404, path)
})

t.test('2: browsers get the sentence of an error as a page, and it is only ever text there', async t => {
  const { gateway, marathon } = await cluster(t)
  putService(marathon, 'gone', [1])
  await reachable(gateway, '/service/gone/')
  const html = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
  const page = await raw(gateway, '/service/none/', html)
  t.match(page, {
    status: 404,
    headers: { 'content-type': 'text/html; charset=utf-8' },
    body: /<!doctype html>.*404 Not Found: service not found\./s,
  })
  t.match(await raw(gateway, '/service/none/', { accept: '*/*' }), {
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: '404 Not Found: service not found.\n',
  })
  t.match(await raw(gateway, '/service/gone/', html), {
    status: 502,
    headers: { 'content-type': 'text/html; charset=utf-8' },
    body: /<!doctype html>.*502 Bad Gateway/s,
  })
  const evil = await raw(gateway, '/agent/<script>x/', html)
  t.match(evil, { status: 404, headers: { 'content-security-policy': /default-src 'none'/ } })
  t.notMatch(evil.body, /<script>x/)
})
