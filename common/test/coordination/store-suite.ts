import type { Test } from 'tap'
import { maxRecordBytes, type Store, StoreError, type StoreErrorCode } from '../../src/coordination/store.ts'
import { until } from '../support/until.ts'

/** What a Store is opened with in a test: an empty one, and what closes it. */
export interface StoreUnderTest {
  readonly store: Store
  stop(): Promise<void>
}

export const bytes = (text: string): Uint8Array => Buffer.from(text)
export const text = (value: Uint8Array | undefined): string | undefined => value && Buffer.from(value).toString()

/** The code with which a call fails; undefined when it does not. */
export async function codeOf(call: Promise<unknown>): Promise<StoreErrorCode | undefined> {
  try {
    await call
    return undefined
  } catch (error) {
    if (error instanceof StoreError) return error.code
    throw error
  }
}

/** Everything that a Store promises, whatever keeps the records. */
export async function storeSuite(t: Test, open: () => Promise<StoreUnderTest>): Promise<void> {
  const { store, stop } = await open()

  await t.test('a record is created once, read, set by its version and deleted', async t => {
    t.equal(await store.get('/s1/a'), undefined)
    t.equal(await store.create('/s1/a', bytes('one')), 0)
    const first = await store.get('/s1/a')
    t.same([text(first?.value), first?.version], ['one', 0])
    t.equal(await codeOf(store.create('/s1/a', bytes('again'))), 'CONFLICT')
    t.equal(await store.set('/s1/a', bytes('two'), 0), 1)
    t.equal(await store.set('/s1/a', bytes('three'), 1), 2)
    t.equal(await codeOf(store.set('/s1/a', bytes('stale'), 1)), 'CONFLICT')
    t.equal(await codeOf(store.set('/s1/none', bytes('x'), 0)), 'NOT_FOUND')
    const second = await store.get('/s1/a')
    t.same([text(second?.value), second?.version], ['three', 2])
    t.equal(await codeOf(store.delete('/s1/a', 1)), 'CONFLICT')
    t.equal(await codeOf(store.delete('/s1/none', 0)), 'NOT_FOUND')
    await store.delete('/s1/a', 2)
    t.equal(await store.get('/s1/a'), undefined)
    t.equal(await store.create('/s1/a', bytes('anew')), 0, 'versions begin anew')
  })

  await t.test('parents come into being, empty; a record with children is not deleted', async t => {
    await store.create('/s2/p/q/r', bytes('leaf'))
    const parent = await store.get('/s2/p')
    t.same([parent?.value.length, parent?.version], [0, 0])
    t.equal(await codeOf(store.create('/s2/p', bytes('x'))), 'CONFLICT', 'a parent is a record')
    t.equal(await store.set('/s2/p', bytes('mine'), 0), 1)
    t.equal(await codeOf(store.delete('/s2/p', 0)), 'CONFLICT', 'the version is looked at first')
    t.equal(await codeOf(store.delete('/s2/p', 1)), 'NOT_EMPTY')
    t.equal(text((await store.get('/s2/p'))?.value), 'mine')
    await store.delete('/s2/p/q/r', 0)
    t.same(await store.list('/s2/p/q'), [])
    await store.delete('/s2/p/q', 0)
    await store.delete('/s2/p', 1)
    t.same(await store.list('/s2'), [])
  })

  await t.test('children are listed sorted, and only children', async t => {
    t.same(await store.list('/s3'), [])
    for (const name of ['b', 'a', 'ab', 'a.b', 'ü', 'a b', 'Z', '10', '9'])
      await store.create(`/s3/x/${name}`, bytes(name))
    await store.create('/s3/x/a/deeper', bytes(''))
    await store.create('/s3/x2', bytes(''))
    t.same(await store.list('/s3/x'), ['10', '9', 'Z', 'a', 'a b', 'a.b', 'ab', 'b', 'ü'])
    t.same(await store.list('/s3'), ['x', 'x2'])
    t.ok((await store.list('/')).includes('s3'))
    t.same(await store.list('/s3/nowhere'), [])
  })

  await t.test('values are bytes of any kind, up to 512 KiB', async t => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i)
    await store.create('/s4/all', all)
    t.same(Buffer.from((await store.get('/s4/all'))!.value), Buffer.from(all))
    await store.create('/s4/empty', bytes(''))
    t.equal((await store.get('/s4/empty'))?.value.length, 0)
    const largest = new Uint8Array(maxRecordBytes).fill(7)
    await store.create('/s4/large', largest)
    t.equal((await store.get('/s4/large'))?.value.length, maxRecordBytes)
    t.equal(await store.set('/s4/large', largest, 0), 1)
    t.equal(await codeOf(store.create('/s4/larger', new Uint8Array(maxRecordBytes + 1))), 'INVALID')
    t.equal(await codeOf(store.set('/s4/large', new Uint8Array(maxRecordBytes + 1), 1)), 'INVALID')
    t.equal(await codeOf(store.create('/s4/text', 'no bytes' as never)), 'INVALID')
  })

  await t.test('a value that was read stays as it is', async t => {
    await store.create('/s5/a', bytes('first'))
    const read = await store.get('/s5/a')
    await store.set('/s5/a', bytes('other'), 0)
    await store.get('/s5/a')
    t.equal(text(read?.value), 'first')
  })

  await t.test('bad paths and versions are refused and do nothing', async t => {
    const bad = [
      '',
      'a',
      '/',
      '//a',
      '/a/',
      '/a//b',
      '/a/../b',
      '/./a',
      '/a\0b',
      '/a\nb',
      '/\ud800',
      `/${'x'.repeat(10_000)}`,
    ]
    for (const path of bad) {
      t.equal(await codeOf(store.create(path, bytes('x'))), 'INVALID', JSON.stringify(path.slice(0, 12)))
      t.equal(await codeOf(store.get(path)), 'INVALID')
      if (path !== '/') t.equal(await codeOf(store.list(path)), 'INVALID')
    }
    for (const path of [undefined, null, 7, {}, '__proto__'])
      t.equal(await codeOf(store.get(path as never)), 'INVALID', String(path))
    await store.create('/s6/a', bytes('x'))
    for (const version of [-1, 0.5, Number.NaN, undefined, '0', 2 ** 60])
      t.equal(await codeOf(store.set('/s6/a', bytes('x'), version as never)), 'INVALID', String(version))
    t.equal(await codeOf(store.delete('/s6/a', -1)), 'INVALID')
    await store.create('/s6/__proto__', bytes('an ordinary name'))
    t.same(await store.list('/s6'), ['__proto__', 'a'])
    t.throws(() => store.watch('a', () => {}), { code: 'INVALID' })
  })

  await t.test('of many writers with the same version one wins', async t => {
    await store.create('/s7/a', bytes('0'))
    const codes = await Promise.all(Array.from({ length: 50 }, (_, i) => codeOf(store.set('/s7/a', bytes(`${i}`), 0))))
    t.equal(codes.filter(code => code === undefined).length, 1)
    t.equal(codes.filter(code => code === 'CONFLICT').length, 49)
    const creations = await Promise.all(Array.from({ length: 20 }, () => codeOf(store.create('/s7/b', bytes('x')))))
    t.equal(creations.filter(code => code === undefined).length, 1)
  })

  await t.test('many writes at once are all done, and read once they are answered', async t => {
    const paths = Array.from({ length: 300 }, (_, i) => `/s8/${i % 10}/${i}`)
    await Promise.all(paths.map(path => store.create(path, bytes(path))))
    const read = await Promise.all(paths.map(path => store.get(path)))
    t.same(
      read.map(record => text(record?.value)),
      paths,
    )
    t.same((await store.list('/s8/3')).length, 30)
  })

  await t.test(
    'a watch tells of each kind of change, and no change is missed by who reads after being told',
    async t => {
      const told: string[] = []
      const off = store.watch('/s9/w', what => told.push(what))
      const next = async (what: string) => {
        await until(`${what} is told`, () => told.includes(what))
        told.length = 0
      }
      await store.create('/s9/w', bytes('0'))
      await next('data')
      await store.create('/s9/w/child', bytes(''))
      await next('children')
      await store.set('/s9/w', bytes('1'), 0)
      await next('data')
      await store.delete('/s9/w/child', 0)
      await next('children')
      await store.delete('/s9/w', 1)
      await next('data')
      await store.create('/s9/w', bytes('again'))
      await next('data')
      await store.create('/s9/w/child', bytes(''))
      await next('children')

      let seen = -1
      const stopFollowing = store.watch('/s9/n', async () => {
        seen = (await store.get('/s9/n'))?.version ?? -1
      })
      await store.create('/s9/n', bytes('x'))
      for (let version = 0; version < 200; version += 1) await store.set('/s9/n', bytes(`${version}`), version)
      await until('the reader has seen the last version', () => seen === 200)
      stopFollowing()

      off()
      told.length = 0
      await store.set('/s9/w', bytes('unwatched'), 0)
      await store.get('/s9/w')
      t.same(told, [], 'nothing after the watch was ended')
    },
  )

  await t.test('a watcher that throws keeps no other from being told', async t => {
    let told = 0
    const offs = [
      store.watch('/s10/a', () => {
        throw new Error('a watcher fails')
      }),
      store.watch('/s10/a', () => {
        told += 1
      }),
    ]
    await store.create('/s10/a', bytes('x'))
    await until('the second is told', () => told > 0)
    for (const off of offs) off()
    t.pass()
  })

  await t.test('a closed store is lost', async t => {
    const states: string[] = []
    t.equal(store.state, 'connected')
    store.onState(state => states.push(state))
    await store.close()
    await store.close()
    t.equal(store.state, 'lost')
    t.same(states, ['lost'])
    t.equal(await codeOf(store.get('/s1/a')), 'LOST')
    t.equal(await codeOf(store.create('/s11/a', bytes('x'))), 'LOST')
  })
  await stop()
}
