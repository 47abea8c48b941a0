import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, createServer, request } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCoordination } from '@meseta/common/coordination/open'
import { FeedWriter } from '@meseta/common/feed/writer'
import { systemClock } from '@meseta/common/service/clock'
import { createLogger } from '@meseta/common/service/logger'
import { systemRandom } from '@meseta/common/service/random'
import t from 'tap'
import { Allocations } from '../src/allocations.ts'
import { Plane } from '../src/plane.ts'
import { proxyLimits } from '../src/proxy/limits.ts'
import { SecondPorts } from '../src/second-ports.ts'
import { AddressBook } from '../src/table/addresses.ts'
import { VipTable } from '../src/table/vip-table.ts'
import { agent, home, scriptedFeed, task, until, vipsOf } from './support/start.ts'

/** A backend that says its name. */
async function backend(name: string) {
  const server = createServer((incoming, response) => {
    if (stopping) response.setHeader('connection', 'close')
    incoming.resume()
    incoming.on('end', () => response.end(name))
  })
  let stopping = false
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const open = () =>
    new Promise<number>((resolve, reject) => server.getConnections((e, count) => (e ? reject(e) : resolve(count))))
  return {
    name,
    port: (server.address() as AddressInfo).port,
    async stop() {
      // As a server should that is told to end: each connection ends with an answer that says so, none under a question on its way.
      stopping = true
      await until(open, count => count === 0)
      server.close()
    },
    kill() {
      server.close()
      server.closeAllConnections()
    },
  }
}

interface Target {
  readonly address: string
  readonly port: number
}

function get({ address, port }: Target, pool?: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: address, port, agent: pool ?? false, timeout: 5_000 }, response => {
      let text = ''
      response.on('data', chunk => {
        text += chunk
      })
      response.on('end', () => resolve(text))
      response.on('error', reject)
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error('timed out')))
    outgoing.on('error', reject)
    outgoing.end()
  })
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    value => `answered ${value}`,
    error => (error as NodeJS.ErrnoException).code ?? String(error),
  )

async function start(
  t: { teardown(action: () => unknown): void },
  options: { marathon?: boolean; argv?: string[] } = {},
) {
  const master = await scriptedFeed()
  const marathon = await scriptedFeed()
  const house = await home()
  master.put('agent', 'S0', agent)
  const flags = [
    `--master=${master.url}`,
    ...(options.marathon ? [`--marathon=${marathon.url}`] : []),
    ...(options.argv ?? []),
  ]
  let running = await house.start(flags)
  t.teardown(async () => {
    await running.stop()
    await Promise.all([master.close(), marathon.close(), house.remove()])
  })
  return {
    master,
    marathon,
    url: () => running.url,
    async restart() {
      await running.stop()
      running = await house.start(flags)
    },
    listen: (vip: string, backends = 1) =>
      until(
        () => vipsOf(running.url),
        vips =>
          vips.some(each => each.vip.startsWith(vip) && each.backend.filter(one => one.weight > 0).length === backends),
      ).then(vips => vips.find(each => each.vip.startsWith(vip))!),
  }
}
t.test('no request fails while backends roll under load, with kept connections and with one each', async t => {
  const { master, marathon, listen } = await start(t, { marathon: true })
  let generation = 0
  let current = await backend('g0')
  master.put('task', 'F1/t0', task('t0', '/api:8099', current.port))
  const { listen: target } = await listen('api.')
  const pool = new Agent({ keepAlive: true, maxSockets: 4 })
  t.teardown(() => pool.destroy())
  const counts = { kept: 0, single: 0, failed: [] as string[] }
  const seen = new Set<string>()
  let rolling = true
  const load = async (kind: 'kept' | 'single') => {
    while (rolling) {
      try {
        seen.add(await get(target, kind === 'kept' ? pool : undefined))
        counts[kind] += 1
      } catch (error) {
        counts.failed.push(`${kind}: ${(error as NodeJS.ErrnoException).code ?? error}`)
      }
    }
  }
  const clients = [load('single'), load('single'), load('kept'), load('kept')]
  for (generation = 1; generation <= 8; generation++) {
    const next = await backend(`g${generation}`)
    master.put('task', `F1/t${generation}`, task(`t${generation}`, '/api:8099', next.port))
    await until(() => seen.has(next.name), Boolean)
    marathon.put('instance', `t${generation - 1}`, { id: `t${generation - 1}`, healthy: true, killing: true })
    await listen('api.', 1)
    await current.stop()
    master.del('task', `F1/t${generation - 1}`)
    marathon.del('instance', `t${generation - 1}`)
    current = next
  }
  rolling = false
  await Promise.all(clients)
  t.comment(JSON.stringify(counts))
  t.strictSame(counts.failed, [])
  t.ok(counts.kept > 30 && counts.single > 30)
  t.equal(seen.size, 9)
  current.kill()
})

t.test('a backend that refuses is passed over; with nobody left the virtual IP refuses at once', async t => {
  const { master, listen } = await start(t)
  const good = await backend('good')
  const gone = createTcpServer().listen(0, '127.0.0.1')
  await once(gone, 'listening')
  const { port: closed } = gone.address() as AddressInfo
  gone.close()
  master.put('task', 'F1/dead', task('dead', '/api:8098', closed))
  master.put('task', 'F1/good', task('good', '/api:8098', good.port))
  const { listen: target } = await listen('api.', 2)
  for (let count = 0; count < 50; count++) t.equal(await get(target), 'good')
  master.put('task', 'F1/good', task('good', '/api:8098', good.port, { healthy: false, health_check: {} }))
  await listen('api.', 1)
  t.equal(await failure(get(target)), 'ECONNRESET', 'only the dead one is left')
  master.put('task', 'F1/dead', task('dead', '/api:8098', closed, { state: 'TASK_KILLING' }))
  await listen('api.', 0)
  const before = performance.now()
  t.equal(await failure(get(target)), 'ECONNREFUSED')
  t.ok(performance.now() - before < 500)
  master.put('task', 'F1/good', task('good', '/api:8098', good.port))
  await listen('api.', 1)
  t.equal(await get(target), 'good', 'and it is back')
  master.del('task', 'F1/good')
  master.del('task', 'F1/dead')
  await until(
    () => failure(get(target)),
    seen => seen === 'ECONNREFUSED',
  )
  good.kill()
})

t.test('open connections outlive weight 0 and the table; bytes and ends pass both ways', async t => {
  const { master, url, listen } = await start(t)
  const server = createTcpServer({ allowHalfOpen: true }, socket => {
    let size = 0
    socket.on('error', () => undefined)
    socket.on('data', chunk => {
      size += chunk.length
      if (chunk.toString('latin1').endsWith('?')) socket.write('!')
    })
    socket.on('end', () => socket.end(`got ${size}`))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  master.put('task', 'F1/t', task('t', '/api:8097', port))
  const { listen: target } = await listen('api.')
  const socket = connect({ host: target.address, port: target.port, allowHalfOpen: true })
  const answer = async (sent: string) => {
    socket.write(sent)
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    return chunk.toString()
  }
  t.equal(await answer('a?'), '!')
  const feed = await fetch(`${url()}/meseta/v1/feed`)
  const frames = feed.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('"connections":1')) text += (await frames.read()).value
  t.match(text, /event: vip\ndata: \{"op":"put","key":"api\.marathon\.l4lb\.thisdcos\.directory:8097\/tcp"/)
  await frames.cancel()
  master.put('task', 'F1/t', task('t', '/api:8097', port, { state: 'TASK_KILLING' }))
  await listen('api.', 0)
  t.equal(await answer('b?'), '!', 'weight 0')
  master.del('task', 'F1/t')
  await until(
    () => vipsOf(url()),
    vips => vips.length === 0,
  )
  t.equal(await answer('c?'), '!', 'removed')
  const bulk = Buffer.alloc(8 * 1024 * 1024, 'x')
  socket.end(bulk)
  const [last] = (await once(socket, 'data')) as [Buffer]
  t.equal(last.toString(), `got ${bulk.length + 6}`, 'all bytes came through, and the answer after our end')
  await once(socket, 'close')
  server.close()
})

t.test('a slow reader holds the sender back instead of filling memory', async t => {
  const { master, listen } = await start(t)
  let sent = 0
  const server = createTcpServer(socket => {
    const chunk = Buffer.alloc(64 * 1024)
    socket.on('error', () => undefined)
    const push = () => {
      while (sent < 256 * 1024 * 1024) {
        sent += chunk.length
        if (!socket.write(chunk)) break
      }
    }
    socket.on('drain', push)
    push()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  master.put('task', 'F1/t', task('t', '/api:8096', (server.address() as AddressInfo).port))
  const { listen: target } = await listen('api.')
  const client = connect(target.port, target.address)
  client.pause()
  await once(client, 'connect')
  let last = -1
  await until(async () => {
    const before = sent
    await new Promise(resolve => setTimeout(resolve, 100))
    last = sent
    return sent > 0 && before === sent
  }, Boolean)
  t.ok(last < 64 * 1024 * 1024, `${last} bytes were taken`)
  client.destroy()
  server.close()
})

t.test('addresses stay after a restart; a taken port gets another, which stays too', async t => {
  const { master, url, restart, listen } = await start(t)
  const one = await backend('one')
  master.put('task', 'F1/a', task('a', '/api:8095', one.port))
  master.put('task', 'F1/b', task('b', '9.8.7.6:8095', one.port))
  master.put('task', 'F1/c', task('c', '127.0.0.7:8095', one.port))
  const api = await listen('api.')
  const literal = await listen('9.8.7.6')
  t.match([api.address, literal.address], [/^127\.11\./, /^127\.11\./])
  t.match(await listen('127.0.0.7'), { address: '127.0.0.7', listen: { address: '127.0.0.7', port: 8095 } })
  t.not(api.address, literal.address)
  t.equal(await get(literal.listen), 'one')

  const taken = createTcpServer().listen(8094, api.address)
  await once(taken, 'listening')
  master.put('task', 'F1/d', task('d', '/api:8094', one.port))
  const moved = await until(
    () => vipsOf(url()).then(vips => vips.find(each => each.vip.endsWith(':8094'))),
    vip => vip?.error !== undefined,
  )
  t.match(moved, { address: api.address, error: /8094 can not be opened \(something else.*port \d+ is used instead/ })
  t.equal(await get(moved!.listen), 'one')
  await restart()
  t.equal((await listen('api.marathon.l4lb.thisdcos.directory:8095')).address, api.address)
  t.equal((await listen('9.8.7.6')).address, literal.address)
  const again = await until(
    () => vipsOf(url()).then(vips => vips.find(each => each.vip.endsWith(':8094'))),
    vip => vip?.error !== undefined,
  )
  t.equal(again?.listen.port, moved?.listen.port)
  taken.close()
  one.kill()
})

t.test('two balancers on one store never give one address to two names', async t => {
  const { store } = await ownStore(t)
  const all = () => true
  const balancers = [new Allocations(store, new AddressBook(4)), new Allocations(store, new AddressBook(4))]
  const given = new Map<string, Set<string>>()
  await Promise.all(
    ['a', 'b', 'c', 'd'].flatMap(name =>
      balancers.map(async balancer => {
        const address = await balancer.allocate(`name:${name}`, all)
        given.set(name, (given.get(name) ?? new Set()).add(address))
      }),
    ),
  )
  t.strictSame(
    [...given.values()].map(addresses => addresses.size),
    [1, 1, 1, 1],
    'both agree',
  )
  t.equal(new Set([...given.values()].flatMap(addresses => [...addresses])).size, 4)
  const third = new Allocations(store, new AddressBook(4))
  await third.load()
  t.strictSame(new Set([third.of('name:a')]), given.get('a'), 'read back')
  await t.rejects(third.allocate('name:e', all), { name: 'AddressesUsedUp' })
  const freed = await third.allocate('name:e', name => name !== 'name:b')
  t.strictSame(new Set([freed]), given.get('b'), 'who has no backend gives its address away when there is no other')
  await store.create('/balancer/addresses/127.11.9.9', Buffer.from('{"version":2,"name":"x"}'))
  await t.rejects(new Allocations(store).load(), { message: /another version/ })
})

/** A store of its own on disk. */
async function ownStore(t: { teardown(action: () => unknown): void }) {
  const folder = await mkdtemp(join(tmpdir(), 'meseta-store-'))
  const shared = { clock: systemClock, random: systemRandom, log: createLogger({ name: 'test', level: 'fatal' }) }
  const { store, close } = await openCoordination(`embedded:${folder}`, shared)
  t.teardown(async () => {
    await close()
    await rm(folder, { recursive: true })
  })
  return { ...shared, store }
}

t.test('a virtual IP beyond the bound says so, and is served when another has gone', async t => {
  const { clock, log, store } = await ownStore(t)
  const table = new VipTable()
  const plane = new Plane({
    table,
    allocations: new Allocations(store),
    ports: new SecondPorts(store, 'here', error => t.fail(error)),
    feed: new FeedWriter({ epoch: 'e', clock }),
    clock,
    log,
    limits: { ...proxyLimits, vips: 2 },
  })
  t.teardown(() => plane.stop(0))
  const one = await backend('one')
  table.putAgent('S0', agent)
  for (const id of ['a', 'b', 'c', 'd']) table.putTask(id, task(id, `/${id}:8091`, one.port))
  plane.apply()
  const shown = (name: string) => plane.shown().find(each => each.vip.startsWith(`${name}.`))
  await until(
    () => shown('b')?.address,
    address => address !== undefined && address !== '',
  )
  t.match([shown('c')?.error, shown('d')?.error], [/more than 2 virtual IPs/, /more than 2 virtual IPs/])
  table.delTask('c')
  table.delTask('a')
  plane.apply()
  const served = await until(
    () => shown('d'),
    vip => vip !== undefined && vip.address !== '' && vip.error === undefined,
  )
  t.equal(await get(served!.listen), 'one')
  t.equal(shown('c'), undefined)
  t.equal(plane.shown().length, 2)
  one.kill()
})

t.test('with all addresses in use a new name waits for one, and nobody loses his', async t => {
  const { log, store } = await ownStore(t)
  const again: (() => void)[] = []
  const clock = {
    ...systemClock,
    after: (_delay: number, action: () => void) => {
      again.push(action)
      return { cancel: () => undefined }
    },
  }
  const table = new VipTable()
  const plane = new Plane({
    table,
    allocations: new Allocations(store, new AddressBook(1)),
    ports: new SecondPorts(store, 'here', error => t.fail(error)),
    feed: new FeedWriter({ epoch: 'e', clock: systemClock }),
    clock,
    log,
    limits: proxyLimits,
  })
  t.teardown(() => plane.stop(0))
  const shown = (name: string) => plane.shown().find(each => each.vip.startsWith(`${name}.`))
  table.putAgent('S0', agent)
  table.putTask('a', task('a', '/a:8101', 1))
  plane.apply()
  await until(
    () => shown('a')?.address,
    address => address === '127.11.0.1',
  )
  table.putTask('b', task('b', '/b:8101', 1))
  plane.apply()
  const waiting = await until(
    () => shown('b'),
    vip => vip !== undefined,
  )
  t.match(waiting, { address: '', error: /all addresses.*in use/ })
  t.equal(shown('a')?.address, '127.11.0.1')
  table.delTask('a')
  plane.apply()
  again.splice(0).forEach(action => void action())
  const served = await until(
    () => shown('b'),
    vip => vip?.address !== '',
  )
  t.match(served, { address: '127.11.0.1' })
})

t.test('replacement ports are written, also after another has written them', async t => {
  const { store } = await ownStore(t)
  const failures: string[] = []
  const ports = new SecondPorts(store, 'here', error => failures.push(error.message))
  await ports.load()
  await store.create('/balancer/ports/here', Buffer.from('{"version":1,"ports":{}}'))
  ports.remember('127.11.0.1:80/tcp', 8080)
  await ports.settle()
  t.equal(failures.length, 1)
  ports.remember('127.11.0.2:80/tcp', 8081)
  await ports.settle()
  t.equal(failures.length, 1)
  const read = new SecondPorts(store, 'here', () => undefined)
  await read.load()
  t.strictSame([read.of('127.11.0.1:80/tcp'), read.of('127.11.0.2:80/tcp')], [8080, 8081])
})

t.test('replacement ports that another version wrote, or nobody could have, are refused by name', async t => {
  const { store } = await ownStore(t)
  const path = '/balancer/ports/here'
  const load = () => new SecondPorts(store, 'here', () => undefined).load()
  const version = await store.create(path, Buffer.from('{"version":2,"ports":{"127.11.0.1:80/tcp":8080}}'))
  await t.rejects(load(), { message: /ports\/here was written by another version.*reads version 1/ })
  await store.set(path, Buffer.from('{"version":1,'), version)
  await t.rejects(load(), { message: /ports\/here was written by another version.*reads version 1/ })
})

t.test('a new leader that knows nothing yet takes no backend away', async t => {
  const { master, url, listen } = await start(t)
  const one = await backend('one')
  master.put('cluster', 'cluster', { leader_info: { id: 'm1' }, elected_time: 1 })
  master.put('task', 'F1/a', task('a', '/api:8093', one.port))
  const { listen: target } = await listen('api.')
  master.restart()
  master.put('cluster', 'cluster', { leader_info: { id: 'm2' }, elected_time: 2 })
  const other = await backend('other')
  master.put('agent', 'S0', agent)
  master.put('task', 'F1/b', task('b', '/other:8093', other.port))
  await listen('other.')
  t.equal((await vipsOf(url())).length, 2)
  t.equal(await get(target), 'one')
  one.kill()
  other.kill()
})

t.test('UDP virtual IPs: a client keeps its backend', async t => {
  const { master, url, listen } = await start(t)
  const servers = await Promise.all(
    ['one', 'two'].map(async name => {
      const socket = createSocket('udp4')
      socket.on('message', (message, peer) => socket.send(`${name} ${message}`, peer.port, peer.address))
      socket.bind(0, '127.0.0.1')
      await once(socket, 'listening')
      return socket
    }),
  )
  servers.forEach((socket, index) => {
    master.put('task', `F1/u${index}`, task(`u${index}`, '/dgram:8092', socket.address().port, {}, 'udp'))
  })
  const { listen: target, protocol } = await listen('dgram.', 2)
  t.equal(protocol, 'udp')
  const ask = async () => {
    const socket = createSocket('udp4')
    const answers: string[] = []
    for (let count = 0; count < 3; count++) {
      socket.send(`q${count}`, target.port, target.address)
      const [answer] = (await once(socket, 'message')) as [Buffer]
      answers.push(answer.toString())
    }
    socket.close()
    return answers
  }
  const [first, second] = [await ask(), await ask()]
  t.equal(new Set(first.map(answer => answer.split(' ')[0])).size, 1)
  t.not(first[0]?.split(' ')[0], second[0]?.split(' ')[0], 'the next client gets the other')
  master.del('task', 'F1/u0')
  await listen('dgram.', 1)
  t.strictSame(await ask(), ['two q0', 'two q1', 'two q2'])
  master.del('task', 'F1/u1')
  await until(
    () => vipsOf(url()),
    vips => vips.length === 0,
  )
  for (const socket of servers) socket.close()
})

t.test('a UDP backend that can not even be connected to loses its datagrams and nothing else', async t => {
  const { master, listen } = await start(t)
  const server = createSocket('udp4')
  server.on('message', (message, peer) => server.send(message, peer.port, peer.address))
  server.bind(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  const network_infos = [{ ip_addresses: [{ ip_address: '255.255.255.255' }] }]
  const unreachable = [{ state: 'TASK_RUNNING', timestamp: 1, container_status: { network_infos } }]
  master.put('task', 'F1/bad', task('bad', '/dgram:8093', port, { statuses: unreachable }, 'udp'))
  master.put('task', 'F1/good', task('good', '/dgram:8093', port, {}, 'udp'))
  const { listen: target } = await listen('dgram.', 2)
  // The one with fewer clients is chosen: of these some get the other first, and say it again until they are heard.
  for (let number = 1; number <= 4; number++) {
    const client = createSocket('udp4')
    const again = setInterval(() => client.send(`${number}`, target.port, target.address), 10)
    const [answer] = (await once(client, 'message')) as [Buffer]
    clearInterval(again)
    t.equal(answer.toString(), `${number}`)
    client.close()
  }
  server.close()
})

t.test('the HTTP API, and nothing from a table that was never complete', async t => {
  const house = await home()
  t.teardown(() => house.remove())
  const blind = await house.start(['--master=http://127.0.0.1:1'])
  const at = (url: string, path: string, headers = {}) => fetch(url + path, { headers })
  for (const path of ['/v1/vips', '/meseta/v1/feed', '/v1/records'])
    t.equal((await at(blind.url, path)).status, 503, path)
  t.match(await (await at(blind.url, '/health')).json(), {
    status: 'degraded',
    checks: { master: { status: 'degraded' } },
  })
  await blind.stop()
  const { master, url, listen } = await start(t)
  const one = await backend('one')
  master.put('task', 'F1/a', task('a', '/api:8091', one.port))
  const { address } = await listen('api.')
  const response = await at(url(), '/v1/vips')
  const etag = response.headers.get('etag') ?? ''
  t.match(await response.json(), [
    {
      vip: 'api.marathon.l4lb.thisdcos.directory:8091',
      protocol: 'tcp',
      backend: [{ ip: '127.0.0.1', port: one.port }],
    },
  ])
  t.equal((await at(url(), '/v1/vips', { 'if-none-match': etag })).status, 304)
  const name = 'api.marathon.l4lb.thisdcos.directory'
  t.strictSame(await (await at(url(), '/v1/records')).json(), [{ name, host: address, rtype: 'A' }])
  t.strictSame(await (await at(url(), `/v1/hosts/${name}.`)).json(), [{ host: name, ip: address }])
  t.strictSame(await (await at(url(), '/v1/hosts/none')).json(), [])
  t.match(await (await at(url(), '/v1/nodes')).json(), [
    { private_ip: '127.0.0.1', public_ips: [], hostname: '127.0.0.1', updated: /Z$/ },
  ])
  t.match(await (await at(url(), '/v1/version')).json(), { Service: 'dcos-dns' })
  t.equal((await at(url(), '/v1/enumerate')).status, 501)
  t.match(await (await at(url(), '/metrics')).text(), /meseta_balancer_vips 1/)
  one.kill()
})
