import { spawn } from 'node:child_process'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { open as openLmdb } from 'lmdb'
import t from 'tap'
import { FolderLockedError, lockFolder } from '../../src/coordination/embedded/lock.ts'
import { ownIdentity } from '../../src/coordination/embedded/process-identity.ts'
import { type Coordination, openCoordination } from '../../src/coordination/open.ts'
import { loadClient } from '../../src/coordination/zookeeper/client.ts'
import { systemClock } from '../../src/service/clock.ts'
import { systemRandom } from '../../src/service/random.ts'
import { quietLog } from '../support/log.ts'
import { until } from '../support/until.ts'
import { electionSuite } from './election-suite.ts'
import { bytes, storeSuite, text } from './store-suite.ts'

const options = { clock: systemClock, random: systemRandom, log: quietLog }
const open = (folder: string): Promise<Coordination> => openCoordination(`embedded:${folder}`, options)

t.test('the store on this machine', async t => {
  await storeSuite(t, async () => {
    const { store, close } = await open(t.testdir({}))
    return { store, stop: close }
  })
})

t.test('the election on this machine', async t => {
  await electionSuite(t, async () => {
    const { election, close } = await open(t.testdir({}))
    return { a: election, b: election, stop: close }
  })
})

t.test('records and the numbers of candidates are there after a restart', async t => {
  const folder = t.testdir({})
  const before = await open(folder)
  await before.store.create('/a/b', bytes('kept'))
  await before.store.set('/a/b', bytes('kept too'), 0)
  const numbers: number[] = []
  before.election.watch('/m', 'info_', members => numbers.push(...members.map(({ sequence }) => sequence)))
  await before.election.contend('/m', 'info_', bytes('x'))
  await before.close()
  const after = await open(folder)
  const record = await after.store.get('/a/b')
  t.same([text(record?.value), record?.version], ['kept too', 1])
  t.same(await after.store.list('/'), ['a'])
  after.election.watch('/m', 'info_', members => numbers.push(...members.map(({ sequence }) => sequence)))
  await after.election.contend('/m', 'info_', bytes('x'))
  t.ok(numbers.at(-1)! > numbers[0]!, 'numbers grow across restarts')
  await after.close()
})

/** A process that opens a store, counts in it, says each answered number, and never stops by itself. */
const counter = `
import { openCoordination } from ${JSON.stringify(new URL('../../src/coordination/open.ts', import.meta.url).href)}
import { systemClock } from ${JSON.stringify(new URL('../../src/service/clock.ts', import.meta.url).href)}
import { systemRandom } from ${JSON.stringify(new URL('../../src/service/random.ts', import.meta.url).href)}
const { store } = await openCoordination('embedded:' + process.argv[1], { clock: systemClock, random: systemRandom, log: console })
let version = (await store.get('/n'))?.version ?? await store.create('/n', new Uint8Array(100))
process.stdout.write(version + '\\n')
for (;;) process.stdout.write((version = await store.set('/n', new Uint8Array(100), version)) + '\\n')
`

function startCounter(folder: string) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', counter, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', data => {
    said += data
  })
  const numbers = () => said.split('\n').slice(0, -1).map(Number)
  const end = async () => {
    child.kill('SIGKILL')
    await new Promise(resolve => child.once('close', resolve))
  }
  return { pid: child.pid!, numbers, end }
}

t.test('after kill -9 what was answered is there, and the folder is free', async t => {
  const folder = t.testdir({})
  let last = -1
  for (const round of [1, 2, 3]) {
    const child = startCounter(folder)
    await until('it counts', () => child.numbers().length > 20 * round)
    const error = await open(folder).catch((refusal: unknown) => refusal)
    t.ok(error instanceof FolderLockedError && error.pid === child.pid, 'the refusal names the holder')
    t.match((error as Error).message, new RegExp(`pid ${child.pid}\\b`))
    await child.end()
    const numbers = child.numbers()
    t.ok(numbers[0]! >= last, `${numbers[0]} after ${last}`)
    last = numbers.at(-1)!
  }
  const { store, close } = await open(folder)
  const found = (await store.get('/n'))!.version
  t.ok(found === last || found === last + 1, `${found} after ${last} was answered`)
  await close()
})

t.test('the lock of a process whose pid was given to another is taken over', async t => {
  const folder = t.testdir({})
  const { start, boot } = ownIdentity()
  for (const [holder, held] of [
    [{ pid: process.pid, start, boot }, true],
    [{ pid: process.pid, start: `${Number(start) - 1}`, boot }, false],
    [{ pid: process.pid, start, boot: 'another boot' }, false],
    [{ pid: 4_000_000, start, boot }, false],
    [{}, false],
    ['torn', false],
  ] as const) {
    writeFileSync(join(folder, 'lock.7'), JSON.stringify(holder))
    if (held) t.throws(() => lockFolder(folder), { name: 'FolderLockedError', pid: process.pid })
    else {
      const lock = lockFolder(folder)
      t.same(
        readdirSync(folder).filter(name => name.startsWith('lock.')),
        ['lock.8'],
      )
      lock.release()
      rmSync(join(folder, 'lock.8'))
    }
  }
})

t.test('of many processes that find a dead holder one takes over', async t => {
  const folder = t.testdir({})
  writeFileSync(join(folder, 'lock.3'), JSON.stringify({ pid: 4_000_000, start: '1', boot: 'x' }))
  const contender = `
    import { lockFolder } from ${JSON.stringify(new URL('../../src/coordination/embedded/lock.ts', import.meta.url).href)}
    try { lockFolder(process.argv[1]); process.stdout.write('held') } catch (error) { process.stdout.write(error.name) }
    setInterval(() => {}, 1000)
  `
  const children = Array.from({ length: 6 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', contender, folder], { stdio: ['ignore', 'pipe', 'inherit'] }),
  )
  const said = await Promise.all(
    children.map(child => new Promise<string>(resolve => child.stdout.once('data', data => resolve(`${data}`)))),
  )
  for (const child of children) child.kill('SIGKILL')
  t.same(said.sort(), [...Array(5).fill('FolderLockedError'), 'held'])
})

t.test('a store of another format is refused with both named', async t => {
  const folder = t.testdir({})
  await (await open(folder)).close()
  const db = openLmdb<Buffer, Buffer>({ path: join(folder, 'records'), encoding: 'binary', keyEncoding: 'binary' })
  await db.put(Buffer.from('.format'), Buffer.from([9, 0, 0, 0]))
  await db.close()
  await t.rejects(open(folder), /has format 9; this version reads format 1/)
  t.doesNotThrow(() => lockFolder(folder).release(), 'and the folder is free')
})

t.test('writers that wait together share a commit', async t => {
  const { store, close } = await open(t.testdir({}))
  const time = async (work: () => Promise<unknown>) => {
    const start = performance.now()
    await work()
    return performance.now() - start
  }
  const serial = await time(async () => {
    for (let i = 0; i < 200; i += 1) await store.create(`/serial/${i}`, new Uint8Array(512))
  })
  const together = await time(() =>
    Promise.all(Array.from({ length: 200 }, (_, i) => store.create(`/together/${i}`, new Uint8Array(512)))),
  )
  t.ok(together * 3 < serial, `200 one by one ${serial.toFixed(0)} ms, together ${together.toFixed(0)} ms`)
  await close()
})

t.test('a coordination url that can not be used is refused, without its password', async t => {
  for (const url of [
    '',
    'embedded:',
    'zk://',
    'zk://h/x',
    'zk://h:x/m',
    'zk://u:secret@/m',
    'zk://secret@h:2181/m',
    'zk://u:secret@h:2181/a/../b',
    'etcd://h:1',
  ]) {
    const error = await openCoordination(url, options).catch((refusal: Error) => refusal)
    t.equal((error as Error).name, 'CoordinationUrlError', url)
    t.notMatch((error as Error).message, /secret/)
  }
})

t.test('without the ZooKeeper client the error says what to install and what to repeat', async t => {
  const load = () => Promise.reject(new Error('Cannot find package zookeeper'))
  await t.rejects(loadClient(load), { name: 'ZookeeperMissingError', message: /build-essential.*python3.*npm start/ })
})
