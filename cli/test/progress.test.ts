import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { check, checkAll } from './support/check.ts'
import { command, meseta, said, start } from './support/command.ts'
import { scriptedRouter } from './support/router.ts'
import { apps, world } from './support/world.ts'

/** Looks until a condition holds; what it is about comes from another process. */
async function until(holds: () => boolean, limit = 20_000): Promise<void> {
  const deadline = Date.now() + limit
  while (!holds()) {
    if (Date.now() > deadline) throw new Error('it did not come to be')
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

t.test('package install shows how far it is until all is healthy', async t => {
  const router = await scriptedRouter(t, world)
  const app = (more: object) => ({
    id: '/web-demo',
    instances: 2,
    healthChecks: 1,
    tasksRunning: 0,
    deployments: [{ id: 'D' }],
    ...more,
  })
  router.on('POST /package/install', ({ body }) => {
    t.match(body, {
      packageName: 'web-demo',
      packageVersion: '1.1.0',
      options: { service: { instances: 2 } },
      appId: 'x',
    })
    router.feed.put('app', '/web-demo', app({}))
    router.feed.put('wait', '/web-demo', { sentence: 'no agent has enough memory' })
    return {
      body: { packageName: 'web-demo', packageVersion: '1.1.0', appId: '/web-demo', postInstallNotes: 'Have fun.' },
    }
  })
  const child = start(
    ['package', 'install', 'web-demo', '--yes', '--json', '--app-id', 'x', '--set', 'service.instances=2'],
    {
      env: { MESETA_CLUSTER: router.url },
    },
  )
  const output = said(child.stdout, /\}\n$/)
  let heard = ''
  child.stderr.on('data', (chunk: Buffer) => {
    heard += chunk
  })
  await said(child.stderr, /\/web-demo: 0 of 2 running, 0 healthy; waits: no agent has enough memory\n/)
  router.feed.del('wait', '/web-demo')
  router.feed.put('app', '/web-demo', app({ tasksRunning: 2, tasksHealthy: 1 }))
  await said(child.stderr, /2 of 2 running, 1 healthy\n/)
  router.feed.put('app', '/web-demo', app({ tasksRunning: 2, tasksHealthy: 2 }))
  await said(child.stderr, /2 of 2 running, 2 healthy\n/)
  t.equal(child.exitCode, null, 'its deployment is not over')
  router.feed.put('app', '/web-demo', app({ tasksRunning: 2, tasksHealthy: 2, deployments: [] }))
  const [code] = await once(child, 'close')
  t.equal(code, 0)
  t.match(heard, /^Installing Marathon app for package \[web-demo\] version \[1\.1\.0\]\n/)
  t.match(heard, /\nHave fun\.\n$/)
  t.match(JSON.parse(await output), { appId: '/web-demo' })
})

t.test('waiting ends with an exit code of its own when it takes too long, or when the change was undone', async t => {
  const router = await scriptedRouter(t, world)
  const app = (more: object = {}) => ({
    id: '/test-id',
    version: 'v3',
    instances: 1,
    tasksRunning: 1,
    deployments: [],
    ...more,
  })
  router.feed.put('app', '/test-id', app())
  const env = { MESETA_CLUSTER: router.url }

  // The stream shows what was before: settled. Marathon has the deployment, so it is not over.
  router.on('GET /marathon/v2/deployments', { body: [{ id: 'D2', affectedApps: [], currentActions: [] }] })
  const late = await meseta(['app', 'scale', 'test-id', '2', '--wait', '--timeout', '1.5'], { env })
  check(
    t,
    {
      args: 'too long',
      code: 8,
      stdout: 'Created deployment D2\n',
      stderr: /\nError: \/test-id is not ready after 1\.5 s \(.*1 of 1 running\)\nhint: it goes on/,
    },
    late,
  )

  router.on('PUT /marathon/v2/apps/test-id', () => {
    router.feed.put('deployment', 'D2', { id: 'D2' })
    return { body: { version: 'v4', deploymentId: 'D2' } }
  })
  const undone = start(['app', 'scale', 'test-id', '2', '--wait'], { env })
  const words = said(undone.stderr, /has ended without effect/)
  await said(undone.stderr, /1 of 1 running\n/)
  router.feed.del('deployment', 'D2')
  await words
  t.equal((await once(undone, 'exit'))[0], 9)

  // A rollback is a change of its own: the app is set back under a version that is newer than the one that was asked for.
  const rolledBack = start(['app', 'scale', 'test-id', '2', '--wait'], { env })
  const sentence = said(rolledBack.stderr, /has ended without effect: .*\n.*now version v5/)
  await said(rolledBack.stderr, /1 of 1 running\n/)
  router.feed.put('app', '/test-id', app({ version: 'v5' }))
  router.feed.del('deployment', 'D2')
  await sentence
  t.equal((await once(rolledBack, 'exit'))[0], 9)
  router.feed.put('app', '/test-id', app())

  const done = start(['app', 'scale', 'test-id', '2', '--wait'], { env })
  await said(done.stderr, /1 of 1 running\n/)
  router.feed.put('app', '/test-id', app({ version: 'v4', instances: 2, tasksRunning: 2 }))
  router.feed.del('deployment', 'D2')
  t.equal((await once(done, 'exit'))[0], 0)

  // Nothing was to be done: Marathon knows no such deployment, and its app is as wanted.
  router.on('PUT /marathon/v2/apps/test-id', { body: { version: 'v9', deploymentId: 'D99' } })
  router.on('GET /marathon/v2/deployments', { body: [] })
  router.on('GET /marathon/v2/apps/test-id', { body: { app: app({ version: 'v4' }) } })
  const nothing = await meseta(['app', 'update', 'test-id', 'instances=2', '--wait'], { env })
  t.equal(nothing.code, 0, nothing.stderr)

  // An app that is removed is gone at once; its tasks are when the deployment is over.
  router.on('DELETE /marathon/v2/apps/test-id', () => {
    router.feed.del('app', '/test-id')
    router.on('GET /marathon/v2/deployments', { body: [{ id: 'D4', affectedApps: ['/test-id'], currentActions: [] }] })
    return { body: { version: 'v5', deploymentId: 'D4' } }
  })
  const asked = router.asked.length
  const removed = start(['app', 'remove', 'test-id', '--wait'], { env })
  const exit = once(removed, 'exit')
  await until(() => router.asked.slice(asked).some(({ route }) => route === 'GET /marathon/v2/deployments'))
  t.equal(removed.exitCode, null)
  router.feed.put('deployment', 'D4', { id: 'D4', affectedApps: ['/test-id'] })
  router.feed.del('deployment', 'D4')
  t.equal((await exit)[0], 0)
})

t.test('a log: its end, what is appended, and bytes that are no text', async t => {
  const router = await scriptedRouter(t, world)
  let log = Buffer.from(Array.from({ length: 30 }, (_, index) => `line ${index + 1}\n`).join(''))
  const paths = new Set<string>()
  let away = 0
  router.on('GET /agent/S0/files/read', ({ query }) => {
    paths.add(query.path!)
    if (away > 0) {
      away -= 1
      return { status: 502, body: { message: 'the agent is away' } }
    }
    if (query.offset === undefined) return { body: { data: '', offset: log.length } }
    const offset = Number(query.offset)
    return { body: { data: log.subarray(offset, offset + Number(query.length)).toString('utf8'), offset } }
  })
  router.on('POST /agent/S0/api/v1', ({ body }) => {
    const { offset, length } = body.read_file
    return { body: { read_file: { size: log.length, data: log.subarray(offset, offset + length).toString('base64') } } }
  })
  await checkAll(t, router, [
    { args: 'task log web.1 --lines 2', stdout: 'line 29\nline 30\n' },
    { args: 'task log web.1 --lines 0', stdout: '' },
    { args: 'task log web.1', stdout: /^line 21\n[\s\S]*line 30\n$/ },
    { args: 'task log web.1 stderr --lines 1000', stdout: log.toString() },
    { args: 'task log web --lines 1', stdout: '===> web.1 <===\nline 30\n===> web.2 <===\nline 30\n' },
    { args: 'task log old.1 --lines 1', stdout: 'line 30\n' },
    {
      args: 'task log web.1 --lines 2 --json',
      stdout: '{"task":"web.1","file":"stdout","line":"line 29"}\n{"task":"web.1","file":"stdout","line":"line 30"}\n',
    },
  ])
  t.ok(paths.has('/frameworks/F1/executors/web.1/runs/latest/stderr'))

  const child = start(['task', 'log', 'web.1', '--follow', '--lines', '1'], { env: { MESETA_CLUSTER: router.url } })
  t.teardown(() => child.kill('SIGKILL'))
  let shown = ''
  child.stdout.on('data', (chunk: Buffer) => {
    shown += chunk
  })
  const append = async (bytes: Buffer, wanted: RegExp) => {
    const heard = said(child.stdout, wanted)
    log = Buffer.concat([log, bytes])
    await heard
  }
  await said(child.stdout, /line 30\n/)
  await append(Buffer.from('more\n'), /more\n/)
  // Latin-1, and one character in two pieces.
  await append(Buffer.from([0xe9, 0xe8, 10]), /\n/)
  const euro = Buffer.from('€\n')
  await append(Buffer.concat([Buffer.from('a'), euro.subarray(0, 1)]), /a/)
  away = 4
  await append(euro.subarray(1), /€\n/)
  await append(Buffer.from(`${'x'.repeat(200_000)}end\n`), /end\n/)
  t.equal(shown, `line 30\nmore\n\ufffd\ufffd\na€\n${'x'.repeat(200_000)}end\n`)
  child.kill('SIGINT')
  t.same(await once(child, 'exit'), [null, 'SIGINT'])
})

t.test('output that nobody reads any more ends a command silently', async t => {
  const many = Array.from({ length: 20_000 }, (_, index) => ({ ...apps[1], id: `/app-${index}` }))
  const router = await scriptedRouter(t, { ...world, 'GET /marathon/v2/apps': { body: { apps: many } } })
  const line = `'${process.execPath}' ${command.map(word => `'${word}'`).join(' ')} app list --json | head -c 10; echo "codes \${PIPESTATUS[*]}"`
  const shell = spawn('bash', ['-c', line], {
    env: { PATH: process.env.PATH, MESETA_CLUSTER: router.url },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr] = await Promise.all(
    [shell.stdout, shell.stderr].map(stream => stream.setEncoding('utf8').toArray()),
  )
  t.match(stdout!.join(''), /codes 0 0\n$/)
  t.equal(stderr!.join(''), '')
})
