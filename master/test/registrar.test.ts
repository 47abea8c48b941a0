import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMemoryCoordination, noFaults } from '@meseta/common/coordination/memory'
import { openCoordination } from '@meseta/common/coordination/open'
import { maxRecordBytes, type Store, StoreError } from '@meseta/common/coordination/store'
import { systemClock } from '@meseta/common/service/clock'
import { systemRandom } from '@meseta/common/service/random'
import { pino } from 'pino'
import t from 'tap'
import { raiseEpoch } from '../src/registrar/epoch.ts'
import { registryShape } from '../src/registrar/placement.ts'
import { Registrar } from '../src/registrar/registrar.ts'
import type { RegistryEntry } from '../src/state/commands.ts'
import { noSettings } from '../src/state/commands.ts'
import { until } from './support/process.ts'

const log = pino({ level: 'silent' })
const masterInfo = { id: 'M', ip: 1, port: 5050 }
const folder = await mkdtemp(join(tmpdir(), 'meseta-registrar-'))
const { store, close } = await openCoordination(`embedded:${folder}`, { clock: systemClock, random: systemRandom, log })
t.teardown(async () => {
  await close()
  await rm(folder, { recursive: true })
})

const admitted = (id: string): RegistryEntry => ({ state: 'admitted', info: { hostname: 'h', id: { value: id } } })

/** Counts writes, and lets them through only when told. */
function slow(inner: Store): { store: Store; writes: string[]; release: () => void } {
  const writes: string[] = []
  let waiting: (() => void)[] = []
  const wait = (path: string) => {
    writes.push(path)
    return new Promise<void>(go => waiting.push(go))
  }
  return {
    writes,
    release: () => {
      const now = waiting
      waiting = []
      for (const go of now) go()
    },
    store: new Proxy(inner, {
      get(target, name) {
        if (name === 'create' || name === 'set')
          return async (path: string, ...rest: [Uint8Array, number]) => {
            if (/registry\/\d/.test(path)) await wait(path)
            return (target[name] as (...args: unknown[]) => Promise<number>)(path, ...rest)
          }
        const value = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    }),
  }
}

t.test('what was applied is there for the next leader', async t => {
  const registrar = new Registrar(store)
  const first = await registrar.recover(masterInfo)
  t.same(first, { agents: [], settings: noSettings, clusterId: 'M' })
  await Promise.all(
    Array.from({ length: 300 }, (_, i) => registrar.apply({ id: `M-S${i}`, entry: admitted(`M-S${i}`) })),
  )
  await registrar.apply({ id: 'M-S7', entry: undefined })
  await registrar.apply({
    id: 'M-S8',
    entry: { state: 'unreachable', since: 5 },
  })
  const weights = [{ role: 'a', weight: 2 }]
  await registrar.apply({ setting: 'weights', value: [{ role: 'a', weight: 3 }] })
  await registrar.apply({ setting: 'weights', value: weights })
  t.equal(registrar.queued, 0)
  const { agents, settings, clusterId } = await new Registrar(store).recover({ ...masterInfo, id: 'N' })
  t.equal(clusterId, 'M', 'the cluster keeps its id')
  t.same(settings, { ...noSettings, weights })
  const leader = JSON.parse(Buffer.from((await store.get('/master/leader'))!.value).toString())
  t.match(leader, { master_info: { id: 'N' } }, 'who leads now is written')
  t.equal(agents.length, 299)
  t.notOk(agents.some(({ id }) => id === 'M-S7'))
  t.match(
    agents.find(({ id }) => id === 'M-S8'),
    { entry: { state: 'unreachable', since: 5 } },
  )
})

t.test('a record has one write in flight; what comes meanwhile joins the next', async t => {
  const held = slow(store)
  const registrar = new Registrar(held.store)
  await registrar.recover(masterInfo)
  const ids = Array.from({ length: 3 * 256 }, (_, number) => `X${number}`)
  const done = Promise.all(ids.map(id => registrar.apply({ id, entry: admitted(id) })))
  t.equal(new Set(held.writes).size, 256, 'entries are spread over 256 records')
  t.equal(held.writes.length, 256, 'and one write is under way for each')
  held.release()
  await until(() => held.writes.length === 512, 'the next writes')
  t.equal(registrar.queued, 512)
  held.release()
  await done
  t.equal(held.writes.length, 512, 'three changes, two writes')
  t.equal(registrar.queued, 0)
})

t.test('changes of one entry are done in their order', async t => {
  const held = slow(store)
  const registrar = new Registrar(held.store)
  await registrar.recover(masterInfo)
  const order: string[] = []
  const changes = [admitted('Y'), { state: 'unreachable', since: 1 } as const, admitted('Y'), undefined]
  const done = changes.map((entry, number) => registrar.apply({ id: 'Y', entry }).then(() => order.push(`${number}`)))
  for (let number = 0; number < changes.length; number++) {
    await until(() => held.writes.length === number + 1, 'the next write')
    t.equal(order.length, number)
    held.release()
  }
  await Promise.all(done)
  t.same(order, ['0', '1', '2', '3'])
  t.notOk((await new Registrar(store).recover(masterInfo)).agents.some(({ id }) => id === 'Y'))
})

t.test('a conflict is an error: someone else leads', async t => {
  const one = new Registrar(store)
  const two = new Registrar(store)
  await one.recover(masterInfo)
  await two.recover(masterInfo)
  await one.apply({ id: 'M-S1', entry: admitted('M-S1') })
  await t.rejects(two.apply({ id: 'M-S1', entry: undefined }), StoreError)
})

/** A store of its own in memory. */
const memory = () =>
  createMemoryCoordination({ clock: systemClock, random: systemRandom, failed, faults: noFaults }).connect().store
const failed = (error: unknown) => t.fail('a listener failed', { error })

t.test('a registry of another format is refused, naming both', async t => {
  const store = memory()
  await store.create('/master/registry/0007', Buffer.from('{"format":99,"agents":[]}'))
  await t.rejects(new Registrar(store).recover(masterInfo), /format 99.*formats 2 and 1/)
  const other = memory()
  await other.create('/master/registry/layout', Buffer.from('{"format":99}'))
  await t.rejects(new Registrar(other).recover(masterInfo), /layout is of registry format 99/)
  const damaged = memory()
  await damaged.create('/master/registry/0007', Buffer.from('{"format":2,'))
  await t.rejects(new Registrar(damaged).recover(masterInfo), /0007 does not hold JSON/)
})

t.test('a registry of the former format is taken over, and closed to those that know only that', async t => {
  const store = memory()
  await store.create('/master/registry/layout', Buffer.from('{"format":1,"buckets":256,"cluster_id":"C"}'))
  await store.create(
    '/master/registry/0200',
    Buffer.from(JSON.stringify({ format: 1, agents: [['A', admitted('A')]] })),
  )
  const registrar = new Registrar(store)
  t.match(await registrar.recover(masterInfo), { agents: [{ id: 'A', entry: admitted('A') }], clusterId: 'C' })
  t.match(JSON.parse(Buffer.from((await store.get('/master/registry/layout'))!.value).toString()), { format: 2 })
  await registrar.apply({ id: 'A', entry: { state: 'gone', since: 1 } })
  t.match(await new Registrar(store).recover(masterInfo), {
    agents: [{ id: 'A', entry: { state: 'gone' } }],
    clusterId: 'C',
  })
})

t.test('no record outgrows its bound, whatever the descriptions and their growth', async t => {
  t.ok(registryShape.maxBytes <= maxRecordBytes / 2, 'the bound is half of what the Store takes')
  const bound = 8 * 1024
  const store = memory()
  const registrar = new Registrar(store, { ...registryShape, maxBytes: bound })
  await registrar.recover(masterInfo)
  const ids = Array.from({ length: 3_000 }, (_, number) => `X${number}`)
  const described = (id: string, bytes: number): RegistryEntry => {
    const attributes = [{ name: 'a', type: 'TEXT' as const, text: { value: 'x'.repeat(bytes) } }]
    return { state: 'admitted', info: { hostname: 'h', id: { value: id }, attributes } }
  }
  await Promise.all(ids.map(id => registrar.apply({ id, entry: { state: 'unreachable', since: 1 } })))
  await Promise.all(ids.map((id, index) => registrar.apply({ id, entry: described(id, index) })))
  const names = (await store.list('/master/registry')).filter(name => name !== 'layout')
  const sizes = await Promise.all(names.map(async name => (await store.get(`/master/registry/${name}`))!.value.length))
  t.ok(Math.max(...sizes) <= bound, `at most ${Math.max(...sizes)} bytes`)
  t.ok(names.length > 256, `${names.length} records`)
  t.equal(
    registrar.sizeBytes,
    sizes.reduce((sum, size) => sum + size, 0),
    'which the gauge counts',
  )
  t.equal((await new Registrar(store).recover(masterInfo)).agents.length, ids.length)
})

t.test('each leader has a higher epoch, also when two raise it at once', async t => {
  const epochs = await Promise.all([raiseEpoch(store), raiseEpoch(store), raiseEpoch(store)])
  t.same([...epochs].sort(), [1, 2, 3])
  t.equal(await raiseEpoch(store), 4)
})

t.test('a record that holds something else is said to be damaged, and where', async t => {
  for (const text of [
    'null',
    '5',
    '{"format":2}',
    '{"format":2,"agents":{}}',
    '{"format":2,"agents":[5]}',
    '{"format":2,"agents":[["A"]]}',
  ]) {
    const store = memory()
    await store.create('/master/registry/0003', Buffer.from(text))
    await t.rejects(
      new Registrar(store).recover(masterInfo),
      { message: /^\/master\/registry\/0003 .*(damaged|registry format)/ },
      text,
    )
  }
})
