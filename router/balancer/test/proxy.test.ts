import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { type Clock, systemClock } from '@meseta/common/service/clock'
import t, { type Test } from 'tap'
import type { FrontOptions } from '../src/proxy/front.ts'
import { type ProxyLimits, proxyLimits } from '../src/proxy/limits.ts'
import { Pool } from '../src/proxy/pool.ts'
import { TcpFront } from '../src/proxy/tcp-front.ts'
import { UdpFront } from '../src/proxy/udp-front.ts'
import type { Backend } from '../src/table/backends.ts'
import { until } from './support/start.ts'

const at = (port: number, weight: 0 | 1 = 1, ip = '127.0.0.1'): Backend => ({
  ip,
  port,
  weight,
  taskId: 't',
  frameworkId: 'f',
  agentId: 'a',
})

t.test('the backend with the fewest connections is chosen, suspects last, equals in turn', t => {
  const pool = new Pool()
  const choose = (now = 0) => pool.choose(new Set(), now)
  t.equal(choose(), undefined)
  pool.update([at(1, 0), at(1, 1), at(2, 0)])
  t.ok(pool.isOpen, 'tasks at one place are one backend, open when any of them is')
  t.equal(choose()?.port, 1)
  pool.update([at(1, 1), at(1, 0), at(2, 1), at(3, 1)])
  const [one, two, three] = [1, 2, 3].map(port => {
    for (;;) {
      const member = choose()
      if (member?.port === port) return member
    }
  })
  t.strictSame(new Set([choose(), choose(), choose()]), new Set([one, two, three]), 'equals in turn')
  one!.active = 1
  two!.active = 2
  three!.suspectUntil = 10
  t.equal(choose(9), one, 'a suspect has none and is passed over')
  t.equal(choose(10), three)
  t.equal(pool.choose(new Set([one!, two!]), 9), three, 'a suspect is better than nobody')
  pool.update([at(2, 1)])
  t.strictSame([one!.present, one!.weight, two!.present], [false, 0, true])
  t.equal(choose(), two)
  pool.update([at(2, 0)])
  t.notOk(pool.isOpen)
  t.equal(choose(), undefined)
  t.end()
})

function options(limits: Partial<ProxyLimits> = {}, clock: Clock = systemClock) {
  const heard = { port: 0 }
  const front: FrontOptions = {
    place: { address: '127.0.0.1', port: 0 },
    secondPort: undefined,
    clock,
    limits: { ...proxyLimits, ...limits },
    events: {
      listening: ({ port }) => {
        heard.port = port ?? 0
      },
      connections: () => undefined,
    },
  }
  return { front, heard }
}

/** A TCP server that keeps its connections, and says its name on each. */
async function named(t: Test, name: string, port = 0) {
  const open: Socket[] = []
  const server: Server = createServer({ allowHalfOpen: true }, socket => {
    open.push(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => open.splice(open.indexOf(socket), 1))
    socket.write(name)
    socket.on('data', chunk => socket.write(chunk))
    socket.on('end', () => socket.end())
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of [...open]) socket.destroy()
  })
  return { port: (server.address() as AddressInfo).port, open, server }
}

async function tcpFront(t: Test, backends: readonly Backend[], limits: Partial<ProxyLimits> = {}) {
  const { front: given, heard } = options(limits)
  const front = new TcpFront(given)
  t.teardown(() => front.close(0))
  front.update(backends)
  await until(
    () => heard.port,
    port => port > 0,
  )
  return {
    front,
    dial() {
      const client = connect({ port: heard.port, host: '127.0.0.1', allowHalfOpen: true })
      t.teardown(() => client.destroy())
      return client
    },
    /** A connection and who answered it. */
    async hold() {
      const client = this.dial()
      const [name] = (await once(client, 'data')) as [Buffer]
      return { client, name: name.toString() }
    },
    /** One that ends again, beside those that are held. */
    async visit(held: number) {
      const { client, name } = await this.hold()
      client.end()
      await until(
        () => front.connections,
        count => count === held,
      )
      return name
    },
  }
}

t.test('connections that ended no longer count, nor do those that never were', async t => {
  const [one, two] = await Promise.all([named(t, 'one'), named(t, 'two')])
  const front = await tcpFront(t, [at(one.port), at(two.port)], { suspicion: 0 })
  const first = await front.hold()
  const names = new Set<string>()
  for (let count = 0; count < 4; count++) names.add(await front.visit(1))
  t.strictSame([...names], [first.name === 'one' ? 'two' : 'one'], 'the other always has fewer')

  const dead = await named(t, 'dead')
  dead.server.close()
  await once(dead.server, 'close')
  front.front.update([at(dead.port), at(one.port)])
  for (let count = 0; count < 6; count++) t.equal(await front.visit(1), 'one')
  const revived = await named(t, 'revived', dead.port)
  const holder = await front.hold()
  t.equal(holder.name, 'revived', 'it was refused six times and has none')
  t.equal(revived.open.length, 1)
})

t.test('one connection more than the bound is reset', async t => {
  const one = await named(t, 'one')
  const front = await tcpFront(t, [at(one.port)], { connections: 1 })
  await front.hold()
  const [error] = (await once(front.dial(), 'error')) as [NodeJS.ErrnoException]
  t.equal(error.code, 'ECONNRESET')
  t.equal(one.open.length, 1)
})

t.test('who breaks a connection breaks it for the other; who ends it and is silent is cut off', async t => {
  const one = await named(t, 'one')
  const front = await tcpFront(t, [at(one.port)], { halfOpenIdle: 50 })
  const broken = await front.hold()
  one.open[0]?.resetAndDestroy()
  const [error] = (await once(broken.client, 'error')) as [NodeJS.ErrnoException]
  t.equal(error.code, 'ECONNRESET', 'of the backend')

  const breaking = await front.hold()
  const [behind] = one.open
  breaking.client.resetAndDestroy()
  const [other] = (await once(behind!, 'error')) as [NodeJS.ErrnoException]
  t.equal(other.code, 'ECONNRESET', 'of the client')

  const silent = await front.hold()
  one.open[0]?.end()
  silent.client.on('error', () => undefined)
  await once(silent.client, 'end')
  await until(
    () => front.front.connections,
    count => count === 0,
  )
})

t.test('a front that closes takes nobody new, and leaves those that are open their time', async t => {
  const one = await named(t, 'one')
  const front = await tcpFront(t, [at(one.port)])
  const { client } = await front.hold()
  const closed = front.front.close(60_000)
  const late = front.dial()
  const [refused] = (await once(late, 'error')) as [NodeJS.ErrnoException]
  t.equal(refused.code, 'ECONNREFUSED')
  for (let count = 0; count < 20; count++) {
    client.write(`${count}`)
    const [echo] = (await once(client, 'data')) as [Buffer]
    t.equal(echo.toString(), `${count}`)
  }
  client.end()
  await closed
  t.equal(front.front.connections, 0)
})

async function echo(name: string) {
  const socket = createSocket('udp4')
  socket.on('message', (message, peer) => socket.send(`${name} ${message}`, peer.port, peer.address))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { port: socket.address().port, close: () => socket.close() }
}

t.test('UDP clients: so many, while they talk, and never left with a backend that has gone', async t => {
  let now = 0
  let sweep: () => void = () => undefined
  const clock: Clock = {
    ...systemClock,
    monotonic: () => now,
    every: (_interval, action) => {
      sweep = action
      return { cancel: () => undefined }
    },
  }
  const [one, two] = await Promise.all([echo('one'), echo('two')])
  const { front: given, heard } = options({ sessions: 2, sessionIdle: 30_000 }, clock)
  const front = new UdpFront(given)
  front.update([at(one.port)])
  await until(
    () => heard.port,
    port => port > 0,
  )
  const clients = [1, 2, 3].map(() => createSocket('udp4'))
  t.teardown(async () => {
    await front.close()
    for (const socket of [...clients, one, two]) socket.close()
  })
  const ask = async (index: number) => {
    clients[index]!.send('q', heard.port, '127.0.0.1')
    const [answer] = (await once(clients[index]!, 'message')) as [Buffer]
    return answer.toString()
  }
  t.equal(await ask(0), 'one q')
  now = 20_000
  t.equal(await ask(1), 'one q')
  t.equal(front.connections, 2)
  now = 30_000
  sweep()
  t.equal(front.connections, 1, 'the first said nothing for 30 s')
  await ask(0)
  await ask(2)
  t.equal(front.connections, 2, 'the longest silent made room')
  now = 51_000
  sweep()
  t.equal(front.connections, 2, 'it was the second: the others talked since')
  front.update([at(two.port)])
  t.equal(front.connections, 0)
  t.equal(await ask(0), 'two q', 'the same client')
  front.update([])
  t.equal(front.connections, 0)
})

t.test('a front that could open no port at all tries again, until it is closed', async t => {
  for (const Front of [TcpFront, UdpFront]) {
    const later: { delay: number; action: () => void; cancelled: boolean }[] = []
    const clock: Clock = {
      ...systemClock,
      after: (delay, action) => {
        const entry = { delay, action, cancelled: false }
        later.push(entry)
        return {
          cancel: () => {
            entry.cancelled = true
          },
        }
      },
    }
    const { front: given } = options({}, clock)
    const errors: (string | undefined)[] = []
    const events = { ...given.events, listening: ({ error }: { error: string | undefined }) => errors.push(error) }
    // An address of nobody (RFC 5737): no port of it can be opened.
    const front = new Front({ ...given, place: { address: '192.0.2.1', port: 80 }, events })
    front.update([at(1)])
    await until(
      () => later.length,
      count => count === 1,
    )
    t.match(errors, [/192\.0\.2\.1:80 can not be opened .*it is not reachable/])
    later[0]!.action()
    await until(
      () => later.length,
      count => count === 2,
    )
    t.equal(errors.length, 2)
    await front.close(0)
    t.strictSame(later[1]?.cancelled, true)
  }
})
