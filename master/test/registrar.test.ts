import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCoordination } from '@meseta/common/coordination/open'
import { type Store, StoreError } from '@meseta/common/coordination/store'
import { systemClock } from '@meseta/common/service/clock'
import { systemRandom } from '@meseta/common/service/random'
import { pino } from 'pino'
import t from 'tap'
import { bucketOf } from '../src/registrar/buckets.ts'
import { raiseEpoch } from '../src/registrar/epoch.ts'
import { Registrar } from '../src/registrar/registrar.ts'
import type { RegistryEntry } from '../src/state/commands.ts'

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
  t.same(first, { agents: [], clusterId: 'M' })
  await Promise.all(
    Array.from({ length: 300 }, (_, i) => registrar.apply({ id: `M-S${i}`, entry: admitted(`M-S${i}`) })),
  )
  await registrar.apply({ id: 'M-S7', entry: undefined })
  await registrar.apply({
    id: 'M-S8',
    entry: { state: 'unreachable', since: 5 },
  })
  t.equal(registrar.queued, 0)
  const { agents, clusterId } = await new Registrar(store).recover({ ...masterInfo, id: 'N' })
  t.equal(clusterId, 'M', 'the cluster keeps its id')
  const leader = JSON.parse(Buffer.from((await store.get('/master/leader'))!.value).toString())
  t.match(leader, { master_info: { id: 'N' } }, 'who leads now is written')
  t.equal(agents.length, 299)
  t.notOk(agents.some(({ id }) => id === 'M-S7'))
  t.match(
    agents.find(({ id }) => id === 'M-S8'),
    { entry: { state: 'unreachable', since: 5 } },
  )
})

t.test('a bucket has one write in flight; what comes meanwhile joins the next', async t => {
  const held = slow(store)
  const registrar = new Registrar(held.store)
  await registrar.recover(masterInfo)
  const ids: string[] = []
  for (let i = 0; ids.length < 5; i++) if (bucketOf(`X${i}`, 256) === 3) ids.push(`X${i}`)
  const done = ids.map(id => registrar.apply({ id, entry: admitted(id) }))
  const elsewhere = registrar.apply({
    id: [...Array(100).keys()].map(i => `Y${i}`).find(id => bucketOf(id, 256) === 4) ?? 'Y',
    entry: undefined,
  })
  t.equal(held.writes.length, 2, 'one for each bucket')
  held.release()
  await done[0]
  await elsewhere
  await new Promise(go => setImmediate(go))
  t.equal(held.writes.length, 3)
  held.release()
  await Promise.all(done)
  t.equal(held.writes.length, 3, 'four changes, one write')
})

t.test('a conflict is an error: someone else leads', async t => {
  const one = new Registrar(store)
  const two = new Registrar(store)
  await one.recover(masterInfo)
  await two.recover(masterInfo)
  await one.apply({ id: 'M-S1', entry: admitted('M-S1') })
  await t.rejects(two.apply({ id: 'M-S1', entry: undefined }), StoreError)
})

t.test('a registry of another format is refused, naming both', async t => {
  const path = `/master/registry/${String(bucketOf('M-S1', 256)).padStart(4, '0')}`
  const before = (await store.get(path))!
  await store.set(path, Buffer.from('{"format":99,"agents":[]}'), before.version)
  await t.rejects(new Registrar(store).recover(masterInfo), /format 99.*format 1/)
  const now = (await store.get(path))!
  await store.set(path, before.value, now.version)
})

t.test('each leader has a higher epoch, also when two raise it at once', async t => {
  const epochs = await Promise.all([raiseEpoch(store), raiseEpoch(store), raiseEpoch(store)])
  t.same([...epochs].sort(), [1, 2, 3])
  t.equal(await raiseEpoch(store), 4)
})
