import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type Clock, systemClock } from '@meseta/common/service/clock'
import pino from 'pino'
import t from 'tap'
import { Agent } from 'undici'
import { mediaType, negotiate, parseAccept } from '../src/api/media-type.ts'
import { isForUs } from '../src/formats/dcos-release.ts'
import { readDirectory } from '../src/formats/directory.ts'
import { unpackEnvelope } from '../src/render/envelope.ts'
import { type Json, parseJson, stringifyJson } from '../src/render/json.ts'
import { readHttpRepository } from '../src/repositories/http-repository.ts'
import { RepositoryRecord, repositoriesPath } from '../src/repositories/record.ts'
import { Repositories } from '../src/repositories/repositories.ts'
import { FakeMarathon, mediaTypes, openStore, Scripted, send, sendJson, startUniverse } from './cluster.ts'
import { problem } from './problem.ts'
import { builtInFolder, universeFolder } from './real.ts'

const errorType = 'application/vnd.dcos.package.error+json;charset=utf-8;version=v1'
const repositoryType = (version: string) => `application/vnd.dcos.universe.repo+json;charset=utf-8;version=${version}`
const { packages: real } = await readDirectory(universeFolder, { strict: true })

t.test('which answer a client wants', async t => {
  const offered = ['v3', 'v2'].map(version => mediaType(`application/vnd.x+json;charset=utf-8;version=${version}`))
  const cases: [string, string | undefined][] = [
    ['application/vnd.x+json;charset=utf-8;version=v2', 'v2'],
    ['APPLICATION/vnd.X+json; version=v3; charset=UTF-8; extra=1', 'v3'],
    ['application/vnd.x+json;charset=utf-8;version=v2,application/vnd.x+json;charset=utf-8;version=v3', 'v3'],
    ['application/vnd.x+json;charset=utf-8;version=v2,application/vnd.x+json;charset=utf-8;version=v3;q=0.5', 'v2'],
    ['application/vnd.x+json;charset=utf-8;version=v3;q=0,application/vnd.x+json;charset=utf-8;version=v2;q=0.1', 'v2'],
    ['application/vnd.x+json;charset=utf-8;version=v3;q=0', undefined],
    ['application/vnd.x+json;version=v3', undefined],
    ['application/json', undefined],
    ['*/*', undefined],
  ]
  for (const [accept, version] of cases) {
    t.equal(negotiate(parseAccept(accept)!, offered)?.parameters.get('version'), version, accept)
  }
  for (const bad of ['nonsense', '', 'a/b;c', 'a/b,,', `a/b${',a/b'.repeat(60)}`])
    t.equal(parseAccept(bad), undefined, bad)
  t.same(['1.6', '2.2', '2.2.0-beta', '0'].map(isForUs), [true, true, true, true])
  t.same(['2.2.1', '3', '999', '9999'].map(isForUs), [false, false, false, false])
})

t.test('headers and bodies are checked, all of them, in order', async t => {
  const universe = await startUniverse(t)
  const at = `${universe.url}/package/search`
  const good = mediaTypes('/package/search')
  const cases: [string, Record<string, string | undefined>, string | undefined, string[]][] = [
    ['nothing', {}, undefined, ['not_present', 'not_present', 'not_present']],
    [
      'plain JSON',
      { accept: 'application/json', 'content-type': 'application/json' },
      '{}',
      ['not_valid', 'not_valid'],
    ],
    [
      'no charset',
      { ...good, 'content-type': 'application/vnd.dcos.package.search-request+json;version=v1' },
      '{}',
      ['not_valid'],
    ],
    ['unreadable headers', { accept: 'x', 'content-type': 'y' }, '{}', ['not_parsed', 'not_parsed']],
    ['a forged scheme', { ...good, 'x-forwarded-proto': 'javascript' }, '{}', ['not_valid']],
    ['broken JSON', good, '{', ['not_parsed']],
    ['not UTF-8', good, '\xff', ['not_parsed']],
    ['not an object', good, '[]', ['not_parsed']],
    ['a wrong type', good, '{"query":5}', ['not_parsed']],
    ['a deep body', good, `${'['.repeat(100_000)}`, ['not_parsed']],
    ['deep but whole', good, `{"query":${'['.repeat(500)}${']'.repeat(500)}}`, ['not_parsed']],
  ]
  for (const [what, headers, body, types] of cases) {
    const bytes = what === 'not UTF-8' ? Buffer.from([0x22, 0xff, 0x22]) : body
    const { status, headers: answered, body: error } = await send('POST', at, headers, bytes)
    t.equal(status, 400, what)
    t.equal(answered['content-type'], errorType)
    if (types.length === 1) t.match(error, { type: types[0], message: /.{10,}/ }, what)
    else t.match(error, { type: 'multiple_errors', data: { errors: types.map(type => ({ type })) } }, what)
  }
  t.match((await send('POST', at, good, '{"query":5}')).body, { message: /body\.query: must be a string/ })
  t.equal((await send('POST', at, good, `{"query":"${'x'.repeat(3_000_000)}"}`)).status, 413)
  t.equal((await send('POST', `${universe.url}/package/nothing`, good, '{}')).status, 404)
  t.equal((await send('GET', at)).status, 404)
  t.equal((await send('POST', at, { ...good, host: 'evil.example' }, '{}')).status, 403)
  const found = await send('POST', at, { ...good, accept: `${good.accept},${errorType}` }, '{}')
  t.equal(found.headers['content-type'], good.accept)
  t.equal((found.body.packages as Json[]).length, 7)
})

t.test('ids and names that could mean something else are refused', async t => {
  const marathon = new FakeMarathon()
  const universe = await startUniverse(t, { argv: [`--marathon=${await marathon.listen(t)}`] })
  for (const appId of ['../up', '/a/../b', 'a?force=true', 'A', `a${'b'.repeat(10_000)}`, '', 5, '/a b', '%2e%2e']) {
    const { status, body } = await universe.post('/package/uninstall', { packageName: 'x', appId })
    t.equal(status, 400, String(appId).slice(0, 20))
    t.match(body, { type: 'not_parsed', message: /appId/ })
  }
  for (const managerId of ['..', 'a/../b', 'a?b', 'a b', '']) {
    t.match(
      (await universe.post('/package/install', { packageName: 'x', managerId }, { version: 'v2' })).body,
      { type: 'not_parsed', message: /managerId/ },
      managerId,
    )
  }
  for (const packageName of ['constructor', '__proto__', '../x', 'x'.repeat(200)]) {
    t.match(
      (await universe.post('/package/describe', { packageName })).body,
      { type: 'not_valid' },
      'v1 is not offered',
    )
    t.match((await universe.post('/package/describe', { packageName }, { version: 'v3' })).body, {
      type: 'PackageNotFound',
      message: `Package [${packageName}] not found`,
      data: { packageName },
    })
  }
  t.equal(marathon.seen.filter(seen => seen.url !== '/meseta/v1/feed').length, 0, 'Marathon was asked nothing')
})

t.test('search, versions, describe and render over the real packages', async t => {
  const universe = await startUniverse(t, { argv: [`--repositories=Universe=${universeFolder}`] })
  const { body: listed } = await universe.post('/package/repository/list', null)
  t.same(listed, {
    repositories: [
      { name: 'Universe', uri: universeFolder },
      { name: 'Meseta', uri: 'meseta:built-in' },
    ],
  })
  const all = (await universe.post('/package/search', {})).body.packages as { name: string; selected?: boolean }[]
  t.equal(all.length, 37)
  const firstPlain = all.findIndex(one => !one.selected)
  t.ok(
    all.slice(firstPlain).every(one => !one.selected),
    'selected ones first',
  )
  const [cassandra] = (await universe.post('/package/search', { query: 'cassandra' })).body.packages as object[]
  t.match(cassandra, {
    name: 'cassandra',
    currentVersion: '2.10.0-3.11.6',
    versions: { '2.10.0-3.11.6': 1000, '2.9.0-3.11.6': 900 },
    framework: true,
    images: { 'icon-small': /^http:\/\/127\.0\.0\.1:\d+\/package\/resource\?url=https%3A%2F%2F/ },
  })
  t.same((await universe.post('/package/search', { query: 'no such' })).body, { packages: [] })

  const versions = { packageName: 'cassandra', includePackageVersions: false }
  t.same((await universe.post('/package/list-versions', versions)).body, {
    results: { '2.10.0-3.11.6': '1000', '2.9.0-3.11.6': '900' },
  })
  t.match((await universe.post('/package/list-versions', { packageName: 'cassandra' })).body, {
    type: 'not_parsed',
    message: /includePackageVersions: is required/,
  })

  const describe = (packageName: string, version: string, more = {}) =>
    universe.post(
      '/package/describe',
      { packageName, ...more },
      { version, headers: { 'x-forwarded-proto': 'https', host: 'leader.mesos' } },
    )
  const v3 = await describe('dcos-enterprise-cli', 'v3')
  t.match(v3.body, {
    package: {
      name: 'dcos-enterprise-cli',
      releaseVersion: 1301,
      resource: {
        cli: { binaries: { linux: { 'x86-64': { url: /^https:\/\/leader\.mesos\/package\/resource\?url=/ } } } },
      },
    },
  })
  t.match((await describe('redis', 'v2')).body, {
    name: 'redis',
    framework: false,
    marathon: { v2AppMustacheTemplate: String },
  })
  const conversion = { type: 'ConversionFromPackageToV2DescribeResponse' }
  t.match((await describe('cassandra', 'v2')).body, conversion)
  t.match((await describe('kubernetes-cluster', 'v2')).body, conversion)
  t.match((await describe('redis', 'v3', { packageVersion: 'a.b.c' })).body, {
    type: 'VersionNotFound',
    message: 'Version [a.b.c] of package [redis] not found',
    data: { packageName: 'redis', packageVersion: 'a.b.c' },
  })
  t.match((await describe('kafka', 'v3')).text, /9223372036854775807/, 'digits survive')

  const render = (body: object) => universe.post('/package/render', body)
  t.match((await render({ packageName: 'marathon-lb', appId: 'edge/lb' })).body, {
    marathonJson: { id: '/edge/lb', labels: { DCOS_PACKAGE_SOURCE: universeFolder } },
  })
  const options = { service: { name: 'n', cpus: 'many', nope: 1 } }
  t.match(await render({ packageName: 'web-demo', options }), {
    status: 400,
    body: { type: 'JsonSchemaMismatch', message: 'Options JSON failed validation' },
  })
  const failures = ((await render({ packageName: 'web-demo', options })).body.data as { errors: object[] }).errors
  t.match(failures, [
    { keyword: 'additionalProperties', unwanted: ['nope'], instance: { pointer: '/service' } },
    { keyword: 'type', found: 'string', expected: ['number'], instance: { pointer: '/service/cpus' } },
  ])
  t.match((await render({ packageName: 'dcos-enterprise-cli' })).body, { type: 'ServiceMarathonTemplateNotFound' })
  t.match((await render({ packageName: 'linkerd', packageVersion: '1.0.0-0.1' })).body, { type: 'JsonParsingError' })
})

t.test('capabilities', async t => {
  const universe = await startUniverse(t)
  const accept = 'application/vnd.dcos.capabilities+json;charset=utf-8;version=v1'
  t.match(await send('GET', `${universe.url}/capabilities`), { status: 400, body: { type: 'not_present' } })
  const names = ['PACKAGE_MANAGEMENT', 'SUPPORT_CLUSTER_REPORT', 'METRONOME', 'LOGGING', 'LOGGING_V2']
  const answer = await send('GET', `${universe.url}/capabilities`, { accept })
  t.equal(answer.headers['content-type'], accept)
  t.same(answer.body, { capabilities: names.map(name => ({ name })) })
})

t.test('files of packages come through the proxy, and nothing else does', async t => {
  const upstream = new Scripted((seen, response) => {
    if (seen.url === '/icon.png')
      return response.writeHead(200, { 'content-type': 'image/png', 'content-length': 3 }).end('png')
    if (seen.url === '/zipped.svg')
      return response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': 3 }).end('zip')
    if (seen.url === '/moved.png') return response.writeHead(302, { location: '/icon.png' }).end()
    if (seen.url === '/round.png') return response.writeHead(302, { location: '/round.png' }).end()
    if (seen.url === '/away.png') return response.writeHead(302, { location: 'https://127.0.0.1/x' }).end()
    if (seen.url === '/chunked.png') {
      response.write('x')
      return response.end()
    }
    return response.writeHead(404).end()
  })
  const files = await upstream.listen(t)
  const icons = Object.fromEntries(
    ['icon.png', 'zipped.svg', 'moved.png', 'round.png', 'away.png', 'chunked.png', 'missing.png'].map(name => [
      name,
      `${files}/${name}`,
    ]),
  )
  const definition = {
    packagingVersion: '3.0',
    name: 'pictures',
    version: '1',
    releaseVersion: 0,
    maintainer: 'm',
    description: 'd',
    tags: [],
    resource: {
      assets: {
        uris: {
          ...icons,
          file: 'file:///etc/passwd',
          own: 'meseta:built-in/web-demo/0/icon.svg',
          out: 'meseta:built-in/pictures/0/../../../../package.json',
          spaced: `${files}/a%20b"c.png`,
        },
      },
    },
  }
  const repository = new Scripted((_seen, response) => {
    response.writeHead(200, { 'content-type': repositoryType('v3') }).end(JSON.stringify({ packages: [definition] }))
  })
  const universe = await startUniverse(t, { argv: [`--repositories=Pictures=${await repository.listen(t)}`] })
  const resource = (url: string) => send('GET', `${universe.url}/package/resource?url=${encodeURIComponent(url)}`)

  const icon = await resource('meseta:built-in/kv-store/0/icon.svg')
  t.equal(icon.text, await readFile(join(builtInFolder, 'K/kv-store/0/icon.svg'), 'utf8'))
  t.match(icon, {
    status: 200,
    headers: {
      'content-type': 'image/svg+xml',
      'content-disposition': 'attachment; filename="icon.svg"',
      'content-security-policy': /sandbox/,
      'x-content-type-options': 'nosniff',
    },
  })
  t.match(await resource(icons['icon.png']!), { status: 200, text: 'png', headers: { 'content-type': 'image/png' } })
  t.match(await resource(icons['moved.png']!), { status: 200, text: 'png' })
  t.match(await resource(icons['zipped.svg']!), { status: 200, headers: { 'content-encoding': 'gzip' } })
  t.match(await resource(icons['round.png']!), {
    status: 502,
    body: { type: 'EndpointUriConnection', data: { cause: /more than 5 redirects/ } },
  })
  t.equal(upstream.seen.filter(seen => seen.url === '/round.png').length, 6)
  t.match(await resource(icons['away.png']!), {
    status: 400,
    body: { type: 'UnsupportedRedirect', data: { actual: 'https' } },
  })
  t.match(await resource(icons['chunked.png']!), { status: 400, body: { type: 'GenericHttpError' } })
  t.match(await resource(icons['missing.png']!), {
    status: 400,
    body: { type: 'GenericHttpError', data: { clientStatus: 404 } },
  })
  const foreign = [
    `${files}/secret`,
    'http://169.254.169.254/latest/meta-data',
    'file:///etc/passwd',
    'meseta:built-in/pictures/0/../../../../package.json',
    'meseta:built-in/web-demo/0/package.json',
    'meseta:built-in/web-demo/0/../../kv-store/0/icon.svg',
  ]
  for (const url of foreign) t.match(await resource(url), { status: 403, body: { type: 'Forbidden' } }, url)
  t.match(await send('GET', `${universe.url}/package/resource`), { status: 400, body: { type: 'not_present' } })
  t.notOk(upstream.seen.some(seen => seen.url === '/secret'))
})

t.test('the list of repositories is durable, ordered and checked', async t => {
  let mode = 'good'
  const body = gzipSync(stringifyJson({ packages: real.filter(one => one.name === 'redis') }))
  const repository = new Scripted((_seen, response) => {
    if (mode === 'status') return response.writeHead(404).end()
    if (mode === 'type') return sendJson(response, 200, { packages: [] })
    if (mode === 'encoding')
      return response.writeHead(200, { 'content-type': repositoryType('v4'), 'content-encoding': 'br' }).end('x')
    if (mode === 'rubbish') return response.writeHead(200, { 'content-type': repositoryType('v4') }).end('{')
    if (mode === 'bomb') {
      const bomb = gzipSync(Buffer.alloc(80 * 1024 * 1024))
      return response.writeHead(200, { 'content-type': repositoryType('v4'), 'content-encoding': 'gzip' }).end(bomb)
    }
    if (mode === 'redirect') return response.writeHead(301, { location: 'ftp://example/x' }).end()
    response.writeHead(200, { 'content-type': repositoryType('v4'), 'content-encoding': 'gzip' }).end(body)
  })
  const uri = await repository.listen(t)
  const store = await openStore(t)
  const universe = await startUniverse(t, { store })
  const add = (request: object) => universe.post('/package/repository/add', request)

  const broken: [string, number, string][] = [
    ['status', 400, 'UniverseClientHttpError'],
    ['type', 400, 'UnsupportedContentType'],
    ['encoding', 400, 'UnsupportedContentEncoding'],
    ['rubbish', 400, 'JsonDecodingError'],
    ['bomb', 400, 'RepositoryUriConnection'],
    ['redirect', 400, 'UnsupportedRedirect'],
  ]
  for (const [how, status, type] of broken) {
    mode = how
    t.match(await add({ name: 'Mine', uri }), { status, body: { type } }, how)
  }
  mode = 'good'
  t.match((await add({ name: 'X', uri: 'http://127.0.0.1:1/' })).body, { type: 'RepositoryUriConnection' })
  t.match((await add({ name: 'X', uri: 'file:///etc' })).body, { type: 'UnsupportedRepositoryUri' })
  t.match((await add({ name: 'X', uri: '/etc' })).body, { type: 'UnsupportedRepositoryUri' })
  t.match((await add({ name: 'X', uri: 'ftp://x/y' })).body, { type: 'UnsupportedRepositoryUri' })
  t.match((await add({ name: 'X', uri: 'nonsense' })).body, { type: 'RepositoryUriSyntax' })
  t.match((await add({ name: 'X', uri, index: 2 })).body, {
    type: 'RepositoryAddIndexOutOfBounds',
    data: { attempted: 2, max: 1 },
  })
  t.match((await add({ name: 'Meseta', uri })).body, { type: 'RepositoryAlreadyPresent', data: { name: 'Meseta' } })

  const both = [
    { name: 'Mine', uri },
    { name: 'Meseta', uri: 'meseta:built-in' },
  ]
  t.same((await add({ name: 'Mine', uri, index: 0 })).body, { repositories: both })
  const asked = repository.seen.at(-1)!.headers
  t.equal(asked.accept, ['v5', 'v4', 'v3'].map(repositoryType).join(','))
  t.match(asked, { 'accept-encoding': 'gzip', 'user-agent': /^cosmos\/\S+ dcos\/2\.2$/ })
  t.match((await add({ name: 'Mine', uri })).body, { type: 'RepositoryAlreadyPresent', data: { name: 'Mine', uri } })
  t.equal(((await universe.post('/package/search', { query: 'redis' })).body.packages as object[]).length, 1)

  const stored = await store.get(repositoriesPath)
  const envelope = unpackEnvelope(parseJson(Buffer.from(stored!.value).toString()))
  t.equal(envelope.contentType, 'application/vnd.dcos.package.repository.repo-list+json;charset=utf-8;version=v1')
  t.same(envelope.data, both)
  await universe.handle.stop()

  mode = 'status'
  const again = await startUniverse(t, { store, argv: [`--repositories=${universeFolder}`] })
  const listed = (await again.post('/package/repository/list', {})).body.repositories as object[]
  t.match(listed, [{ uri: universeFolder }, { name: 'Mine', error: /404/ }, { name: 'Meseta' }])
  t.ok(((await again.post('/package/search', {})).body.packages as object[]).length > 30, 'the others are served')

  const remove = (request: object) => again.post('/package/repository/delete', request)
  t.match((await remove({})).body, { type: 'RepoNameOrUriMissing' })
  t.match((await remove({ name: 'Mine', uri: 'http://other/' })).body, { type: 'RepositoryNotPresent' })
  t.match((await remove({ name: 'Mine' })).body.repositories, [{}, { name: 'Meseta' }])
  t.equal(((await remove({ uri: 'meseta:built-in' })).body.repositories as object[]).length, 1)
  t.match((await again.post('/package/repository/add', { name: 'Back', uri: 'meseta:built-in' })).status, 200)
})

t.test('a repository that is away keeps what was read of it when the list changes', async t => {
  let isAway = false
  const repository = new Scripted((_seen, response) => {
    if (isAway) return response.writeHead(404).end()
    const body = stringifyJson({ packages: real.filter(one => one.name === 'redis') })
    return response.writeHead(200, { 'content-type': repositoryType('v4') }).end(body)
  })
  const argv = [`--repositories=Mine=${await repository.listen(t)}`, '--allow-folder-repositories']
  const universe = await startUniverse(t, { argv })
  const redis = async () =>
    (await universe.post('/package/describe', { packageName: 'redis' }, { version: 'v3' })).status
  t.equal(await redis(), 200)
  isAway = true
  const asked = repository.seen.length
  const { body } = await universe.post('/package/repository/add', { name: 'More', uri: universeFolder })
  t.match(body.repositories, [{ name: 'Mine', error: /404/ }, { name: 'Meseta' }, { name: 'More' }])
  t.equal(repository.seen.length, asked + 1, 'all are read again')
  t.equal(await redis(), 200)
  await universe.post('/package/repository/delete', { name: 'More' })
  t.equal(await redis(), 200)
})

t.test('of two changes at the same time one is refused, and none is lost', async t => {
  const record = new RepositoryRecord(await openStore(t), systemClock, [])
  const add = (name: string) => record.update(list => [...list, { name, uri: `http://${name}/` }])
  await add('a')
  const results = await Promise.allSettled([add('b'), add('c')])
  const refused = results.filter(result => result.status === 'rejected')
  t.match(refused, [{ reason: { type: 'ConcurrentAccess' } }])
  t.equal((await record.read()).length, 2)
})

t.test('a copy older than a minute is served once more while a new one is fetched', async t => {
  let description = 'old'
  const server = new Scripted((_seen, response) => {
    const packages = real.filter(one => one.name === 'redis').map(one => ({ ...one, description }))
    response.writeHead(200, { 'content-type': repositoryType('v4') }).end(stringifyJson({ packages }))
  })
  let now = 0
  const clock: Clock = { ...systemClock, monotonic: () => now }
  const agent = new Agent()
  t.teardown(() => agent.destroy())
  const record = new RepositoryRecord(await openStore(t), clock, [{ name: 'R', uri: await server.listen(t) }])
  const log = pino({ level: 'silent' })
  const repositories = new Repositories({ record, agent, clock, log, builtInFolder, allowFolders: false })
  const shown = async () => (await repositories.collection()).find('redis')?.definition.description
  t.equal(await shown(), 'old')
  description = 'new'
  now = 59_999
  t.equal(await shown(), 'old')
  t.equal(server.seen.length, 1)
  now = 60_000
  const fetched = new Promise<void>(resolve => repositories.onChange(resolve))
  t.equal(await shown(), 'old', 'nobody waits for it')
  await fetched
  t.equal(await shown(), 'new')
  t.equal(server.seen.length, 2)
})

t.test('folders may be added when a flag allows it', async t => {
  const universe = await startUniverse(t, { argv: ['--allow-folder-repositories'] })
  const uri = `file://${universeFolder}`
  const { body } = await universe.post('/package/repository/add', { name: 'Folder', uri })
  t.match(body, { repositories: [{ name: 'Meseta' }, { name: 'Folder', uri }] })
  t.match(await universe.post('/package/repository/add', { name: 'No', uri: '/no/such/folder' }), {
    status: 400,
    body: { type: 'RepositoryUriConnection' },
  })
})

t.test('a repository that stumbles is asked again, and one that refuses is not', async t => {
  const statuses = [503, 500, 200]
  const server = new Scripted((_seen, response) => {
    const status = statuses.shift() ?? 404
    response.writeHead(status, { 'content-type': repositoryType('v5') }).end('{"packages":[]}')
  })
  const waits: number[] = []
  const clock: Clock = {
    ...systemClock,
    after: (delay, action) => {
      waits.push(delay)
      return systemClock.after(0, action)
    },
  }
  const agent = new Agent()
  t.teardown(() => agent.destroy())
  const repository = { name: 'R', uri: await server.listen(t) }
  t.same(await readHttpRepository(repository, { agent, clock, adding: false }), { packages: [], skipped: [] })
  t.same(waits, [5_000, 5_000])
  await t.rejects(
    readHttpRepository(repository, { agent, clock, adding: false }),
    problem('UniverseClientHttpError', 500),
  )
  t.equal(server.seen.length, 4, 'a 404 is final')
  server.close()
  await t.rejects(readHttpRepository(repository, { agent, clock, adding: false }), problem('RepositoryUriConnection'))
  t.equal(waits.length, 5, 'three more attempts for a lost connection')
})
