import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { get } from 'node:http'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { readDirectory } from '../src/formats/directory.ts'
import { resourceUrls } from '../src/formats/resource-json.ts'
import { type JsonObject, member } from '../src/render/json.ts'
import type { PackageDefinition } from '../src/render/package.ts'
import { renderPackage } from '../src/render/render.ts'
import { openAsset } from '../src/repositories/assets.ts'
import { builtIn } from '../src/repositories/location.ts'
import { problem } from './problem.ts'
import { builtInFolder } from './real.ts'

const expected = ['cluster-clock', 'echo-tcp', 'guestbook', 'kv-store', 'load-generator', 'web-demo', 'work-queue']

const { packages, skipped } = await readDirectory(builtInFolder, { strict: true })

function rendered(name: string, options: JsonObject = {}): JsonObject {
  const definition = packages.find(one => one.name === name) as PackageDefinition
  return renderPackage({ definition, source: builtIn.uri, options })!
}

t.test('the built-in catalog keeps the rules of the Universe', async t => {
  t.same(skipped, [])
  t.same([...new Set(packages.map(one => one.name))].sort(), expected)
  const check = spawnSync(process.execPath, [join(builtInFolder, 'build.mjs'), '--check'], { encoding: 'utf8' })
  t.equal(check.status, 0, `templates are what their sources give: ${check.stderr}`)
  for (const definition of packages) {
    const { name } = definition
    t.match(definition, { packagingVersion: '4.0', selected: true, licenses: [{ name: 'Apache-2.0' }] }, name)
    const folder = join(builtInFolder, name[0]!.toUpperCase(), name, String(definition.releaseVersion))
    for (const file of ['package.json', 'config.json', 'resource.json']) {
      t.notOk(/[^\t\n\r -~]|\\u/.test(await readFile(join(folder, file), 'utf8')), `${name}/${file} is plain ASCII`)
    }
    for (const url of resourceUrls(definition.resource)) {
      const asset = await openAsset(builtInFolder, url, definition)
      t.match(asset, { contentType: 'image/svg+xml' }, `${url} is there`)
      asset?.content.destroy()
    }
    everyOptionIsDescribed(t, definition.config!, name)
  }
})

function everyOptionIsDescribed(t: Test, schema: JsonObject, path: string): void {
  for (const [name, property] of Object.entries((member(schema, 'properties') ?? {}) as JsonObject)) {
    const at = `${path}.${name}`
    t.type(member(property, 'description'), 'string', `${at} has a description`)
    if (member(property, 'properties')) everyOptionIsDescribed(t, property as JsonObject, at)
    else t.ok(Object.hasOwn(property as JsonObject, 'default'), `${at} has a default`)
  }
}

t.test('each renders an app that any agent can run, with what finds and checks it', async t => {
  for (const name of expected) {
    const app = rendered(name, { service: { name: `team/${name}` } })
    t.match(app, { id: `team/${name}`, labels: { DCOS_PACKAGE_NAME: name }, taskKillGracePeriodSeconds: 5 }, name)
    t.ok((app.cpus as number) <= 0.2 && (app.mem as number) <= 256, `${name} is small`)
    t.match(app.portDefinitions, [{ port: 0, labels: { VIP_0: new RegExp(`^/team/${name}:\\d+$`) } }])
    t.match(app.healthChecks, [{ protocol: /^MESOS_(HTTP|TCP)$/, portIndex: 0, gracePeriodSeconds: 20 }])
    t.notOk('fetch' in app || 'uris' in app || 'container' in app, `${name} downloads nothing`)
    if (name !== 'echo-tcp') {
      const labels = { DCOS_SERVICE_NAME: `team/${name}`, DCOS_SERVICE_SCHEME: 'http', DCOS_SERVICE_PORT_INDEX: '0' }
      t.match(app.labels, labels, name)
    }
    t.throws(() => rendered(name, { service: { name: '../up' } }), problem('JsonSchemaMismatch'), name)
    t.throws(() => rendered(name, { no: 1 }), problem('JsonSchemaMismatch'), name)
  }
  const odd = rendered('web-demo', { demo: { message: '<b>"}}{{x}}\\n\n' } })
  t.equal(member(odd.env, 'DEMO_MESSAGE'), '<b>"}}{{x}}\\n\n', 'any text survives the template')
})

interface Task {
  readonly process: ChildProcess
  readonly port: number
  readonly base: string
  readonly sandbox: string
  readonly output: () => string
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

/** Runs an app's command as an agent does: in a sandbox, with its environment and a PATH of coreutils only. */
async function runTask(t: Test, name: string, options: JsonObject = {}, sandbox?: string): Promise<Task> {
  const folder = sandbox ?? (await mkdtemp(join(tmpdir(), 'meseta-task-')))
  if (sandbox === undefined) t.teardown(() => rm(folder, { recursive: true, force: true }))
  const bin = join(folder, 'bin')
  await mkdir(bin, { recursive: true })
  await symlink('/bin/sh', join(bin, 'sh')).catch(() => undefined)
  const port = await freePort()
  const app = rendered(name, options)
  const env = {
    ...(app.env as Record<string, string>),
    PATH: bin,
    MESETA_NODE: process.execPath,
    MESOS_SANDBOX: folder,
    MESOS_TASK_ID: `${name}.instance-0a1b2c3d-0000-4000-8000-000000000000._app.1`,
    HOST: '127.0.0.1',
    PORT0: String(port),
  }
  const child = spawn('/bin/sh', ['-c', app.cmd as string], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', chunk => (output += chunk))
  child.stderr.on('data', chunk => (output += chunk))
  t.teardown(() => child.kill('SIGKILL'))
  const listening = Promise.race([
    new Promise<void>(resolve => child.stdout.on('data', () => output.includes('listening on') && resolve())),
    once(child, 'exit').then(() => Promise.reject(new Error(`${name} ended: ${output}`))),
  ])
  await listening
  return { process: child, port, base: `http://127.0.0.1:${port}`, sandbox: folder, output: () => output }
}

async function end(task: Task): Promise<number | null> {
  const ended = once(task.process, 'exit')
  task.process.kill('SIGTERM')
  const [code] = await ended
  return code
}

/** Waits for an event of the page's stream that holds. */
function streamed(url: string, holds: (value: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false }, response => {
      response.setEncoding('utf8')
      let text = ''
      response.on('data', chunk => {
        text += chunk
        const lines = text.split('\n\n')
        text = lines.pop()!
        for (const line of lines) {
          const value = JSON.parse(line.replace(/^data: /, '')) as Record<string, unknown>
          if (!holds(value)) continue
          request.destroy()
          resolve(value)
        }
      })
      response.on('end', () => reject(new Error('the stream ended')))
    })
    request.on('error', error => reject(error))
    request.setTimeout(15_000, () => request.destroy(new Error('no such event in time')))
  })
}

const read = async (url: string, init?: RequestInit) => {
  const response = await fetch(url, { ...init, headers: { connection: 'close' } })
  return { status: response.status, text: await response.text() }
}

async function pageIsSelfContained(t: Test, task: Task): Promise<void> {
  const { status, text } = await read(`${task.base}/`)
  t.equal(status, 200)
  t.match(text, /^<!doctype html>/)
  t.notOk(/(?:src|href|action)="(?:https?:)?\//.test(text), 'no address begins at the root or another host')
  t.notOk(/(?:fetch|EventSource)\(['"`](?:\/|https?:)/.test(text), 'scripts ask only below the page')
  t.match(await read(`${task.base}/health`), { status: 200 })
  t.match(await read(`${task.base}/../../etc/passwd`), { status: 404 })
}

t.test('web-demo answers from its instance, and finishes what it has begun', async t => {
  const task = await runTask(t, 'web-demo', { demo: { message: 'Hi <script>' } })
  await pageIsSelfContained(t, task)
  t.match((await read(`${task.base}/`)).text, '<h1>Hi &#60;script&#62;</h1>')
  t.match(JSON.parse((await read(`${task.base}/whoami`)).text), {
    name: '0a1b2c3d',
    host: '127.0.0.1',
    port: task.port,
  })
  await streamed(`${task.base}/events`, value => (value.requests as number) >= 3)
  const slow = read(`${task.base}/slow?ms=1500`)
  await streamed(`${task.base}/events`, value => (value.requests as number) >= 4)
  const code = end(task)
  t.match(await slow, { status: 200 }, 'a request in flight is answered')
  t.equal(await code, 0)
  t.match(task.output(), 'SIGTERM: finishing')
})

t.test('kv-store keeps what it answered, through kill -9', async t => {
  const task = await runTask(t, 'kv-store')
  await pageIsSelfContained(t, task)
  const put = (key: string, body: string) => read(`${task.base}/kv/${key}`, { method: 'PUT', body })
  t.match(await put('a%2Fb', 'one'), { status: 200 })
  t.match(await put('a%2Fb', 'two'), { status: 200 })
  t.match(await put('gone', 'x'), { status: 200 })
  t.match(await read(`${task.base}/kv/gone`, { method: 'DELETE' }), { status: 200 })
  t.match(await put('__proto__', 'safe'), { status: 200 })
  t.match(await put('k', 'x'.repeat(70_000)), { status: 413 })
  t.match(await put('k'.repeat(600), 'x'), { status: 400 })
  t.match(await read(`${task.base}/kv/nothing`), { status: 404 })
  t.same(JSON.parse((await read(`${task.base}/kv/?prefix=a`)).text), { keys: ['a/b'] })
  task.process.kill('SIGKILL')
  await once(task.process, 'exit')
  const again = await runTask(t, 'kv-store', {}, task.sandbox)
  t.match(await read(`${again.base}/kv/a%2Fb`), { text: 'two' })
  t.match(await read(`${again.base}/kv/__proto__`), { text: 'safe' })
  t.match(await read(`${again.base}/kv/gone`), { status: 404 })
  t.equal(await end(again), 0)
})

t.test('work-queue works jobs off in processes of their own, and ends them all', async t => {
  const task = await runTask(t, 'work-queue', { queue: { rate: 100, work_ms: 0, consumers: 2 } })
  await pageIsSelfContained(t, task)
  await streamed(`${task.base}/events`, value => (value.finished as number) > 20)
  await read(`${task.base}/settings`, { method: 'POST', body: '{"consumers":0,"rate":50}' })
  await streamed(`${task.base}/events`, value => (value.waiting as number) > 5)
  t.match(await read(`${task.base}/settings`, { method: 'POST', body: 'x' }), { status: 400 })
  t.equal(await end(task), 0)
})

t.test('echo-tcp gives back what it gets', async t => {
  const task = await runTask(t, 'echo-tcp', { echo: { greeting: 'hello' } })
  const socket = connect(task.port, '127.0.0.1')
  socket.setEncoding('utf8')
  let got = ''
  socket.on('data', chunk => (got += chunk))
  socket.write('ping\n')
  while (!got.includes('ping')) await once(socket, 'data')
  t.match(got, /^hello \(0a1b2c3d\)\nping\n$/)
  const closed = once(socket, 'close')
  t.equal(await end(task), 0)
  await closed
})

t.test('cluster-clock streams, guestbook keeps', async t => {
  const clock = await runTask(t, 'cluster-clock', { clock: { interval_ms: 50 } })
  await pageIsSelfContained(t, clock)
  t.match(await streamed(`${clock.base}/events`, value => (value.sent as number) > 3), { now: Number })
  t.equal(await end(clock), 0)

  const book = await runTask(t, 'guestbook')
  await pageIsSelfContained(t, book)
  const write = (body: string) => read(`${book.base}/entries`, { method: 'POST', body })
  t.match(await write('{"name":"Ada","text":"<b>hello</b>"}'), { status: 200 })
  t.match(await write('{"name":"Ada"}'), { status: 400 })
  t.match(await write('nonsense'), { status: 400 })
  t.equal(await end(book), 0)
  const again = await runTask(t, 'guestbook', {}, book.sandbox)
  t.match(JSON.parse((await read(`${again.base}/entries`)).text), { entries: [{ name: 'Ada', text: '<b>hello</b>' }] })
  t.equal(await end(again), 0)
})

t.test('load-generator measures a service, and says why it can not', async t => {
  const target = await runTask(t, 'web-demo')
  const load = { target: `${target.base}/whoami`, rate: 100 }
  const task = await runTask(t, 'load-generator', { load })
  await pageIsSelfContained(t, task)
  const state = await streamed(`${task.base}/events`, value => (value.ok as number) > 20)
  t.match(state, { failed: 0, latency: { p50: Number, p99: Number } })
  t.equal(await end(target), 0)
  t.match(await streamed(`${task.base}/events`, value => (value.failed as number) > 5), { problem: /ECONNREFUSED/ })
  t.match(await read(`${task.base}/rate`, { method: 'POST', body: '99999' }), { text: /"rate":500/ })
  t.equal(await end(task), 0)
})
