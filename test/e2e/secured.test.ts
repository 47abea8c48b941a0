import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { openCoordination } from '@meseta/common/coordination/open'
import { followCluster } from '@meseta/common/discovery/follow'
import { createEmbeddedBus } from '@meseta/common/messaging/open'
import { systemClock } from '@meseta/common/service/clock'
import type { Component, Handle } from '@meseta/common/service/component'
import type { FlagDefinitions } from '@meseta/common/service/flags'
import { Health } from '@meseta/common/service/health'
import { createRegistry } from '@meseta/common/service/metrics'
import { authorizationHeaders, readOwnCredential } from '@meseta/common/service/own-credential'
import { parseFlags } from '@meseta/common/service/parse-flags'
import { systemRandom } from '@meseta/common/service/random'
import { component as marathon } from '@meseta/marathon/component'
import { component as master } from '@meseta/master/component'
import { createScheduler, type SchedulerOptions } from '@meseta/sdk/framework'
import { pino } from 'pino'
import t from 'tap'

const log = pino({ level: 'silent' })
const folder = t.testdir({
  credentials: 'framework s1\nmarathon s2\nreader s3\n',
  marathon: 's2\n',
  reader: '{"principal":"reader","secret":"s3"}',
  wrong: '{"principal":"reader","secret":"s1"}',
  store: {},
  secondStore: {},
})
const file = (name: string) => join(folder, name)
const shared = { clock: systemClock, random: systemRandom, log }

/** A bus and a store, and the components that are started on them; stopped with the test. */
async function openGround(test: Pick<typeof t, 'teardown'>, store: string) {
  const failed = (error: unknown) => {
    throw error
  }
  const bus = createEmbeddedBus({ failed })
  const coordination = await openCoordination(`embedded:${file(store)}`, shared)
  const handles: Handle[] = []
  test.teardown(async () => {
    for (const handle of handles.reverse()) await handle.stop()
    await bus.close()
    await coordination.close()
  })
  return async <Definitions extends FlagDefinitions>(component: Component<Definitions>, ...argv: string[]) => {
    const flags = parseFlags(component.flags, { argv: ['--port=0', ...argv], env: {} })
    const metrics = createRegistry({ process: false })
    const handle = await component.start({ ...shared, ...coordination, flags, metrics, bus, fatal: failed })
    handles.push(handle)
    return handle.url
  }
}

const tlsSkip = (() => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return false
  } catch {
    return 'openssl is not installed'
  }
})()

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited 20 s for: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

const start = await openGround(t, 'store')
const url = await start(
  master,
  '--authenticate_http_readonly',
  '--authenticate_http_readwrite',
  '--authenticate_frameworks',
  `--credentials=${file('credentials')}`,
)
const reader = readOwnCredential('master-credential-file', file('reader'))
const read = async (path: string) => {
  const answer = await fetch(`${url}${path}`, { headers: authorizationHeaders(reader) })
  return { status: answer.status, json: (answer.ok ? await answer.json() : undefined) as Record<string, unknown> }
}
await until('the master to lead', async () => (await read('/state')).status === 200)

t.test('a framework of the SDK proves who it is, on its stream and in its calls', async t => {
  const told: string[] = []
  const events: SchedulerOptions['events'] = {
    subscribed: () => told.push('subscribed'),
    event: () => undefined,
    disconnected: reason => told.push(reason),
    ended: reason => told.push(reason),
    callRefused: error => told.push(error.message),
  }
  const note = (fields: object, message: string) => told.push(`${message} ${JSON.stringify(fields)}`)
  const options = { master: url, framework: { name: 'f', user: 'nobody' }, events }
  const stranger = createScheduler({ ...options, log: { info: note, warn: note, error: note } })
  await until('the refusal', () => told.some(one => /401: the realm mesos-master-scheduler needs/.test(one)))
  await stranger.stop()
  told.length = 0
  const known = createScheduler({ ...options, credential: { principal: 'framework', secret: 's1' } })
  await until('the subscription', () => told.length > 0)
  await known.call({ type: 'REVIVE' })
  t.match((await read('/frameworks')).json, { frameworks: [{ name: 'f', principal: 'framework' }] })
  await known.teardown()
  t.match((await read('/frameworks')).json, { frameworks: [] })
  t.same(
    told.filter(one => /refused|401/.test(one)),
    [],
  )
})

t.test('Marathon proves who it is by a file', async t => {
  await start(
    marathon,
    `--master=${url}`,
    '--mesos_authentication_principal=marathon',
    `--mesos_authentication_secret_file=${file('marathon')}`,
  )
  const frameworks = async () => (await read('/frameworks')).json.frameworks as { name: string; principal: string }[]
  await until('Marathon to subscribe', async () => (await frameworks()).length === 1)
  t.match(await frameworks(), [{ name: 'marathon', principal: 'marathon' }])
})

t.test('who follows the feed proves who it is by a file', async t => {
  const follow = (name: string) => {
    const health = new Health()
    const on = { put: () => undefined, del: () => undefined }
    const words = { check: 'master', title: 'the master', without: 'nothing is known' }
    const credential = readOwnCredential('master-credential-file', file(name))
    const source = followCluster({ ...shared, health }, words, [new URL(url)], on, credential)
    t.teardown(() => source.stop())
    return { source, health }
  }
  const good = follow('reader')
  const bad = follow('wrong')
  await until('the feed', () => good.source.ready)
  await until('the refusal', () => /401/.test(bad.health.get('master')?.sentence ?? ''))
  t.equal(bad.source.ready, false)
})

t.test('over TLS a framework of the SDK does the same', { skip: tlsSkip }, async t => {
  const openssl = (...argv: string[]) => execFileSync('openssl', argv, { cwd: folder, stdio: 'ignore' })
  openssl(
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
    ...['-subj', '/CN=authority', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', 'tls.key', '-out', 'tls.pem'],
  )
  const before = getCACertificates('default')
  setDefaultCACertificates([...before, readFileSync(file('tls.pem'), 'utf8')])
  t.teardown(() => setDefaultCACertificates(before))
  const start = await openGround(t, 'secondStore')
  const url = await start(
    master,
    `--tls_cert=${file('tls.pem')}`,
    `--tls_key=${file('tls.key')}`,
    '--authenticate_frameworks',
    `--credentials=${file('credentials')}`,
  )
  t.match(url, /^https:/)
  const told: string[] = []
  const known = createScheduler({
    master: url,
    framework: { name: 'f', user: 'nobody', failover_timeout: 60 },
    credential: { principal: 'framework', secret: 's1' },
    events: {
      subscribed: () => told.push('subscribed'),
      event: () => undefined,
      disconnected: reason => told.push(reason),
      ended: reason => told.push(reason),
    },
  })
  await until('the subscription', () => told.length > 0)
  await known.call({ type: 'REVIVE' })
  await until('the call', async () => {
    const metrics = (await (await fetch(`${url}/metrics/snapshot`)).json()) as Record<string, number>
    return metrics['master/messages_revive_offers'] === 1
  })
  await known.teardown()
  t.same(told, ['subscribed'])
})
