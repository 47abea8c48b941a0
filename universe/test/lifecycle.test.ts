import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { followFeed } from '@meseta/common/feed/reader'
import { systemClock } from '@meseta/common/service/clock'
import { systemRandom } from '@meseta/common/service/random'
import pino from 'pino'
import t, { type Test } from 'tap'
import type { JsonObject } from '../src/render/json.ts'
import { definitionOf, optionsOf } from '../src/render/labels.ts'
import { FakeMarathon, Scripted, sendJson, startUniverse, type Universe } from './cluster.ts'

const base = { packagingVersion: '4.0', maintainer: 'm', description: 'd', tags: ['t'] }
const config = {
  properties: {
    service: { properties: { name: { type: 'string', default: 'thing' }, size: { type: 'integer', default: 1 } } },
  },
}
const template =
  '{"id":"{{service.name}}","env":{"SIZE":"{{service.size}}"},"labels":{"MINE":"1"{{#service.framework}},"DCOS_PACKAGE_FRAMEWORK_NAME":"{{service.framework}}"{{/service.framework}}}}'

interface Release {
  readonly name: string
  readonly release: number
  readonly package: object
  readonly template?: string
  readonly resource?: object
}

const releases: readonly Release[] = [
  {
    name: 'thing',
    release: 0,
    package: {
      ...base,
      version: '1.0',
      postInstallNotes: 'installed',
      postUninstallNotes: 'gone',
      downgradesTo: ['0.9'],
    },
    template,
  },
  { name: 'thing', release: 1, package: { ...base, version: '2.0', upgradesFrom: ['1.0'] }, template },
  { name: 'thing', release: 2, package: { ...base, version: '3.0' }, template },
  {
    name: 'tool',
    release: 0,
    package: { ...base, version: '1.0' },
    resource: {
      cli: {
        binaries: {
          linux: {
            'x86-64': { kind: 'executable', url: 'http://x/tool', contentHash: [{ algo: 'sha256', value: '0' }] },
          },
        },
      },
    },
  },
  {
    name: 'crowd',
    release: 0,
    package: { ...base, version: '1.0' },
    template: '{"id":"/crowd","apps":[{"id":"a"},{"id":"b"}]}',
  },
  {
    name: 'sdk',
    release: 0,
    package: { ...base, version: '1.0' },
    template: '{"id":"sdk","labels":{"DCOS_COMMONS_UNINSTALL":"true","DCOS_COMMONS_API_VERSION":"v2"}}',
  },
  {
    name: 'managed',
    release: 0,
    package: { ...base, packagingVersion: '5.0', version: '1.0', manager: { packageName: 'boss' } },
    template,
  },
]

async function repository(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'meseta-repository-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  for (const release of releases) {
    const path = join(folder, release.name, String(release.release))
    await mkdir(path, { recursive: true })
    const write = (name: string, value: unknown) => writeFile(join(path, name), JSON.stringify(value))
    await write('package.json', { ...release.package, name: release.name })
    if (release.template) {
      await write('config.json', config)
      await writeFile(join(path, 'marathon.json.mustache'), release.template)
    }
    if (release.resource) await write('resource.json', release.resource)
  }
  return folder
}

interface Cluster {
  readonly marathon: FakeMarathon
  readonly master: Scripted
  readonly masterUrl: string
  readonly router: Scripted
  readonly universe: Universe
}

async function startCluster(t: Test): Promise<Cluster> {
  const marathon = new FakeMarathon()
  const master = new Scripted((_seen, response) => sendJson(response, 200, { frameworks: [] }))
  const router = new Scripted((_seen, response) => sendJson(response, 404, {}))
  const masterUrl = await master.listen(t)
  const argv = [
    `--repositories=Test=${await repository(t)}`,
    `--marathon=${await marathon.listen(t)}`,
    `--master=${masterUrl}`,
    `--router=${await router.listen(t)}`,
  ]
  return { marathon, master, masterUrl, router, universe: await startUniverse(t, { argv }) }
}

t.test('install hands the rendered app to Marathon, and says what it was', async t => {
  const { marathon, universe } = await startCluster(t)
  const install = (body: object, version = 'v2') =>
    universe.post('/package/install', body, { version, headers: { authorization: 'token=secret' } })
  const options = { service: { size: 12345678901234 } }
  const first = await install({ packageName: 'thing', packageVersion: '1.0', options })
  t.match(first, {
    status: 200,
    headers: { 'content-type': 'application/vnd.dcos.package.install-response+json;charset=utf-8;version=v2' },
    body: { packageName: 'thing', packageVersion: '1.0', appId: '/thing', postInstallNotes: 'installed' },
  })
  const app = marathon.apps.get('/thing')!
  t.match(app, { env: { SIZE: '12345678901234' }, labels: { MINE: '1', DCOS_PACKAGE_VERSION: '1.0' } })
  t.equal(marathon.seen.find(seen => seen.method === 'POST')?.headers.authorization, 'token=secret')
  t.match(await install({ packageName: 'thing' }), { status: 409, body: { type: 'PackageAlreadyInstalled' } })
  t.same((await install({ packageName: 'thing', packageVersion: '1.0', appId: 'other/thing' }, 'v1')).body, {
    packageName: 'thing',
    packageVersion: '1.0',
    appId: '/other/thing',
  })
  t.match(await install({ packageName: 'nothing' }), { status: 400, body: { type: 'PackageNotFound' } })
  t.match(await install({ packageName: 'tool' }, 'v1'), { body: { type: 'ServiceMarathonTemplateNotFound' } })
  t.match(await install({ packageName: 'tool' }), {
    status: 200,
    body: {
      packageName: 'tool',
      packageVersion: '1.0',
      appId: undefined,
      cli: { binaries: { linux: { 'x86-64': { url: /\/package\/resource\?url=http/ } } } },
    },
  })
  const refused: [number, unknown, number, string][] = [
    [422, { message: 'Object is not valid', details: [{ path: '/id', errors: ['no'] }] }, 400, 'MarathonBadResponse'],
    [400, 'nonsense', 500, 'MarathonGenericError'],
    [503, {}, 502, 'MarathonBadGateway'],
    [401, {}, 401, 'Unauthorized'],
    [403, {}, 403, 'Forbidden'],
  ]
  for (const [status, body, answered, type] of refused) {
    marathon.failing = { matches: 'POST', status, body }
    t.match(await install({ packageName: 'thing', appId: 'x' }), { status: answered, body: { type } }, type)
  }
  marathon.failing = {
    matches: 'POST',
    status: 422,
    body: { message: 'Object is not valid', details: [{ path: '/id' }] },
  }
  t.match((await install({ packageName: 'thing', appId: 'x' })).body, {
    message: 'Object is not valid',
    data: { errors: [{ path: '/id' }] },
  })
  marathon.close()
  t.match(await install({ packageName: 'thing', appId: 'x' }), { status: 503, body: { type: 'ServiceUnavailable' } })
})

t.test('list, and uninstall of one, of several, and of a group', async t => {
  const { marathon, universe } = await startCluster(t)
  const install = (packageName: string, appId?: string) =>
    universe.post('/package/install', { packageName, appId, packageVersion: '1.0' }, { version: 'v2' })
  const uninstall = (body: object) => universe.post('/package/uninstall', body)
  await install('thing', 'b')
  await install('thing', 'a')
  t.match(await install('crowd'), { status: 200, body: { appId: '/crowd' } })
  t.equal(marathon.seen.filter(seen => seen.url === '/v2/groups').length, 1, 'a group goes to /v2/groups')
  marathon.put({
    id: '/old',
    labels: {
      DCOS_PACKAGE_NAME: 'ancient',
      DCOS_PACKAGE_METADATA: Buffer.from('{"name":"ancient","version":"0"}').toString('base64'),
    },
  })
  marathon.put({ id: '/plain', labels: {} })
  marathon.put({ id: '/rubbish', labels: { DCOS_PACKAGE_NAME: 'x', DCOS_PACKAGE_DEFINITION: '%' } })
  const listed = async (body: object) =>
    ((await universe.post('/package/list', body)).body.packages as JsonObject[]).map(one => one.appId)
  t.same(await listed({}), ['/old', '/crowd', '/a', '/b'], 'by package and then by id; a group is one')
  t.same(await listed({ packageName: 'thing' }), ['/a', '/b'])
  t.same(await listed({ appId: 'b' }), ['/b'])
  t.match((await universe.post('/package/list', { appId: '/a' })).body.packages, [
    { packageInformation: { packageDefinition: { name: 'thing', version: '1.0', selected: false, framework: false } } },
  ])

  t.match((await uninstall({ packageName: 'thing' })).body, { type: 'AmbiguousAppId', data: { appIds: ['/b', '/a'] } })
  t.match((await uninstall({ packageName: 'thing', appId: 'c' })).body, { type: 'UninstallNonExistentAppForPackage' })
  t.match((await uninstall({ packageName: 'nothing' })).body, { type: 'PackageNotInstalled' })
  t.equal(marathon.apps.has('/a'), true, 'nothing was removed')
  t.same((await uninstall({ packageName: 'thing', appId: 'a' })).body, {
    results: [{ packageName: 'thing', appId: '/a', packageVersion: '1.0', postUninstallNotes: 'gone' }],
  })
  await install('thing', 'a')
  t.equal(((await uninstall({ packageName: 'thing', all: true })).body.results as object[]).length, 2)
  t.match((await uninstall({ packageName: 'crowd' })).body, { results: [{ appId: '/crowd' }] })
  t.same([...marathon.apps.keys()], ['/old', '/plain', '/rubbish'])
  marathon.put({ id: '/bare', labels: { DCOS_PACKAGE_NAME: 'thing', DCOS_PACKAGE_VERSION: '1.0' } })
  t.match((await uninstall({ packageName: 'thing' })).body, { results: [{ postUninstallNotes: 'gone' }] })

  const labels = { DCOS_PACKAGE_NAME: 'evil', MESETA_PACKAGE_GROUP: '/' }
  marathon.put({ id: '/evil', labels })
  await uninstall({ packageName: 'evil' })
  t.same([...marathon.apps.keys()], ['/old', '/plain', '/rubbish'], 'a label alone makes no group deletable')
  t.notOk(marathon.seen.some(seen => seen.method === 'DELETE' && seen.url.startsWith('/v2/groups?')))

  await install('crowd')
  marathon.put({ id: '/crowd/mine', labels: {} })
  t.match((await uninstall({ packageName: 'crowd' })).body, { results: [{ appId: '/crowd' }] })
  t.same(
    [...marathon.apps.keys()],
    ['/old', '/plain', '/rubbish', '/crowd/mine'],
    'what somebody has put beside them in the group stays',
  )
  marathon.remove('/crowd/mine')

  marathon.put({ id: '/others/app', labels: {} })
  marathon.put({ id: '/evil', labels: { ...labels, MESETA_PACKAGE_GROUP: '/others' } })
  t.match((await uninstall({ packageName: 'evil' })).body, { results: [{ appId: '/evil' }] })
  t.same([...marathon.apps.keys()], ['/old', '/plain', '/rubbish', '/others/app'], 'nor one that the app is not in')
})

t.test('a call that a replica may have heard goes to no other; one that was not heard does', async t => {
  const deaf = new Scripted((_seen, response) => response.destroy())
  const marathon = new FakeMarathon()
  const good = await marathon.listen(t)
  const repositories = `--repositories=Test=${await repository(t)}`
  const install = async (first: string, packageName: string) => {
    const universe = await startUniverse(t, { argv: [repositories, `--marathon=${first},${good}`] })
    const { status, body } = await universe.post('/package/install', { packageName }, { version: 'v2' })
    await universe.handle.stop()
    return { status, type: body.type }
  }
  t.same(await install(await deaf.listen(t), 'thing'), { status: 503, type: 'ServiceUnavailable' })
  t.same([...marathon.apps.keys()], [], 'it may be installed already')
  t.match(await install('http://127.0.0.1:1', 'thing'), { status: 200 })
  t.same([...marathon.apps.keys()], ['/thing'])
})

t.test('who Marathon does not know is asked who it is', async t => {
  const { marathon, universe } = await startCluster(t)
  const list = () => universe.post('/package/list', {}, { headers: { authorization: 'token=secret' } })
  for (const [status, type] of [
    [401, 'Unauthorized'],
    [403, 'Forbidden'],
  ] as const) {
    marathon.failing = { matches: 'GET /v2/apps', status, body: {} }
    const answer = await list()
    t.match(answer, { status, body: { type, data: { serviceName: 'marathon' } } })
    t.equal('www-authenticate' in answer.headers, status === 401)
    t.notMatch(answer.text, /secret/)
  }
  t.equal(marathon.seen.at(-1)?.headers.authorization, 'token=secret')
})

t.test('uninstall ends the framework at the master, or says that it is left', async t => {
  const { marathon, master, universe } = await startCluster(t)
  const labels = { DCOS_PACKAGE_NAME: 'thing', DCOS_PACKAGE_VERSION: '1.0', DCOS_PACKAGE_FRAMEWORK_NAME: 'fw' }
  const uninstall = async (frameworks: { id: string; name: string }[] | 'gone') => {
    marathon.put({ id: '/thing', labels })
    master.script = (seen, response) => {
      if (frameworks === 'gone') return sendJson(response, 500, {})
      return seen.method === 'GET' ? sendJson(response, 200, { frameworks }) : sendJson(response, 200, {})
    }
    const answer = await universe.post('/package/uninstall', { packageName: 'thing' })
    t.notOk(marathon.apps.has('/thing'))
    return answer
  }
  t.equal((await uninstall([{ id: 'F0', name: 'fw2' }])).status, 200)
  t.notOk(master.seen.some(seen => seen.method === 'POST'))
  t.equal((await uninstall([{ id: 'F1', name: 'fw' }])).status, 200)
  t.match(master.seen.at(-1), { method: 'POST', url: '/master/teardown', body: 'frameworkId=F1' })
  const two = [
    { id: 'F1', name: 'fw' },
    { id: 'F2', name: 'fw' },
  ]
  t.match((await uninstall(two)).body, {
    type: 'MultipleFrameworkIds',
    data: { frameworkName: 'fw', ids: ['F1', 'F2'] },
  })
  t.match(await uninstall('gone'), {
    status: 503,
    body: { type: 'IncompleteUninstall', data: { packageName: 'thing' } },
  })
})

t.test('an SDK scheduler is asked to clean up, and answered at once', async t => {
  const { marathon, router, universe } = await startCluster(t)
  await universe.post('/package/install', { packageName: 'sdk' }, { version: 'v2' })
  router.script = (_seen, response) => sendJson(response, 200, ['F1'])
  t.equal((await universe.post('/package/uninstall', { packageName: 'sdk' })).status, 200)
  t.match(router.seen[0]?.url, '/service/sdk/v2/state/frameworkId')
  const put = marathon.seen.find(seen => seen.method === 'PUT')!
  t.equal(put.url, '/v2/apps/sdk?force=true&partialUpdate=false')
  t.match(JSON.parse(put.body), { env: { SDK_UNINSTALL: 'true' } })
  t.ok(marathon.apps.has('/sdk'), 'it is deleted when its plan has ended, not before')
  marathon.failing = { matches: 'PUT', status: 500, body: {} }
  t.match((await universe.post('/package/uninstall', { packageName: 'sdk' })).body, { type: 'FailedToStartUninstall' })
})

t.test('describe and update of what runs', async t => {
  const { marathon, universe } = await startCluster(t)
  const options = { service: { size: 3 } }
  await universe.post('/package/install', { packageName: 'thing', packageVersion: '1.0', options }, { version: 'v2' })
  const describe = await universe.post('/service/describe', { appId: 'thing' })
  t.match(describe.body, {
    package: { name: 'thing', version: '1.0' },
    upgradesTo: ['2.0'],
    downgradesTo: [],
    resolvedOptions: { service: { name: 'thing', size: 3 } },
    userProvidedOptions: options,
  })
  t.match((await universe.post('/service/describe', { appId: 'nothing' })).body, { type: 'MarathonAppNotFound' })

  const update = (body: object) => universe.post('/service/update', { appId: '/thing', ...body })
  t.match((await update({ options: {} })).body, { type: 'not_parsed', message: /replace: is required/ })
  const merged = await update({ replace: false, options: { service: { size: 4 } } })
  t.match(merged.body, {
    marathonDeploymentId: 'deployment-1',
    resolvedOptions: { service: { size: 4, name: 'thing' } },
  })
  t.equal(marathon.seen.at(-1)?.url, '/v2/apps/thing?force=true&partialUpdate=false')
  t.match(marathon.apps.get('/thing'), { env: { SIZE: '4' } })
  await update({ replace: true, options: {} })
  t.match(marathon.apps.get('/thing'), { env: { SIZE: '1' } })
  t.match((await update({ replace: true, options: { service: { name: 'else' } } })).body, {
    type: 'AppIdChanged',
    data: { oldAppId: '/thing', newAppId: '/else' },
  })
  t.match((await update({ replace: true, options: { service: { size: 'x' } } })).body, { type: 'JsonSchemaMismatch' })
  t.match((await update({ replace: true, packageVersion: '3.0' })).body, {
    type: 'VersionUpgradeNotSupportedInOpen',
    data: { requested: '3.0', actual: '1.0', allowed: ['2.0'] },
  })
  t.match((await update({ replace: true, packageVersion: '9' })).body, { type: 'VersionNotFound' })
  const upgraded = await update({ replace: false, packageVersion: '2.0', options: { service: { size: 7 } } })
  t.match(upgraded.body, { package: { version: '2.0' } })
  const labels = marathon.apps.get('/thing')!.labels as Record<string, string>
  t.match([definitionOf(labels), optionsOf(labels)], [{ version: '2.0' }, { service: { size: 7 } }])

  await universe.post(
    '/package/install',
    { packageName: 'thing', packageVersion: '1.0', appId: 'my/own' },
    { version: 'v2' },
  )
  const own = await universe.post('/service/update', { appId: 'my/own', replace: true, options })
  t.match([own.status, marathon.apps.get('/my/own')], [200, { env: { SIZE: '3' } }], 'an id of the user is kept')
  marathon.put({
    id: '/bare',
    labels: { DCOS_PACKAGE_NAME: 'thing', DCOS_PACKAGE_DEFINITION: labels.DCOS_PACKAGE_DEFINITION! },
  })
  t.match((await universe.post('/service/update', { appId: 'bare', replace: false })).body, {
    type: 'OptionsNotStored',
  })
  const rubbish = Buffer.from('{"name":"thing","downgradesTo":5}').toString('base64')
  marathon.put({ id: '/odd', labels: { DCOS_PACKAGE_NAME: 'thing', DCOS_PACKAGE_METADATA: rubbish } })
  const odd = await universe.post('/service/describe', { appId: 'odd' })
  t.match(odd, { status: 400, body: { type: 'JsonDecodingError' } }, 'a label is only as good as who wrote it')
})

t.test('a package with a manager of its own is left to it', async t => {
  const { master, masterUrl, router, universe } = await startCluster(t)
  const install = () =>
    universe.post('/package/install', { packageName: 'managed', options: { a: 1 } }, { version: 'v2' })
  t.match((await install()).body, { type: 'CustomPackageManagerNotFound', data: { managerId: 'boss' } })
  t.match(router.seen[0], {
    url: '/service/boss/package/install',
    headers: { accept: /install-response/, 'x-forwarded-proto': 'http', 'x-forwarded-host': /^127/ },
  })
  t.same(JSON.parse(router.seen[0]!.body), { packageName: 'managed', options: { a: 1 } })
  t.equal(router.seen[0]?.headers['x-forwarded-port'], new URL(universe.url).port)
  const headers = { host: 'localhost', 'x-forwarded-proto': 'https' }
  await universe.post('/package/install', { packageName: 'managed' }, { version: 'v2', headers })
  t.match(router.seen[1]?.headers, {
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'localhost',
    'x-forwarded-port': '443',
  })
  router.script = (_seen, response) => sendJson(response, 409, {})
  t.match(await install(), { status: 409, body: { type: 'ServiceAlreadyStarted' } })
  router.script = (_seen, response) => sendJson(response, 500, { why: 'x' })
  t.match((await install()).body, { type: 'CustomPackageManagerError', data: { managerId: 'boss', statusCode: 500 } })
  router.script = (_seen, response) =>
    sendJson(response, 200, { packageName: 'managed', packageVersion: '1.0', appId: '/m' })
  t.match(await install(), { status: 200, body: { appId: '/m' } })
  router.script = (_seen, response) => sendJson(response, 307, {}, { location: `${masterUrl}/elsewhere` })
  t.match((await install()).body, { type: 'CustomPackageManagerError', data: { statusCode: 307 } })
  t.strictSame(master.seen, [], 'a service does not say where else the request and its Authorization go')
})

t.test('the feed tells repositories, packages and what is installed, as it changes', async t => {
  const { marathon, universe } = await startCluster(t)
  const known = new Map<string, unknown>()
  let wake = () => {}
  const feed = followFeed({
    url: `${universe.url}/meseta/v1/feed`,
    clock: systemClock,
    random: systemRandom,
    log: pino({ level: 'silent' }),
    on: {
      put: (kind, key, body) => {
        known.set(`${kind} ${key}`, body)
        wake()
      },
      del: (kind, key) => {
        known.delete(`${kind} ${key}`)
        wake()
      },
    },
  })
  t.teardown(() => feed.stop())
  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise<void>(resolve => (wake = resolve))
  }
  await until(() => known.has('package thing') && known.has('package web-demo'))
  t.match(known.get('package web-demo'), {
    currentVersion: '1.0.0',
    selected: true,
    images: { 'icon-small': /^\/package\/resource\?url=meseta/ },
  })
  t.match(known.get('repository Test'), { name: 'Test', index: 0 })
  await universe.post('/package/install', { packageName: 'thing' }, { version: 'v2' })
  await until(() => known.has('installed /thing'))
  t.match(known.get('installed /thing'), { appId: '/thing', packageName: 'thing', packageVersion: '3.0' })
  await universe.post('/package/install', { packageName: 'crowd' }, { version: 'v2' })
  await until(() => known.has('installed /crowd'))
  marathon.remove('/crowd/a')
  await universe.post('/package/uninstall', { packageName: 'thing' })
  await until(() => !known.has('installed /thing'))
  t.ok(known.has('installed /crowd'), 'a group is there while one of its apps is')
  marathon.remove('/crowd/b')
  await until(() => !known.has('installed /crowd'))
  await universe.post('/package/repository/delete', { name: 'Test' })
  await until(() => !known.has('package thing') && !known.has('repository Test'))
  t.ok(known.has('package web-demo'))
})
