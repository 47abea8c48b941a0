import { once } from 'node:events'
import type { IncomingHttpHeaders, Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Handle } from '@meseta/common/service/component'
import t from 'tap'
import { backend, cluster, putService, reachable, until, wire } from './support/start.ts'

/** Echoes what comes over a WebSocket's connection, and keeps what asked for it. */
function echoes(server: Server) {
  const seen: { url: string; headers: IncomingHttpHeaders }[] = []
  const sockets = new Set<Socket>()
  server.on('upgrade', (request, socket: Socket, head: Buffer) => {
    seen.push({ url: request.url!, headers: request.headers })
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Own: yes\r\n\r\n')
    socket.write(head)
    socket.pipe(socket)
  })
  return { seen, sockets }
}

async function open(gateway: Handle, path: string, headers = '', behind = '') {
  const { hostname, port } = new URL(gateway.url)
  const socket = connect(Number(port), hostname)
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n${headers}Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n${behind}`,
  )
  const [first] = (await once(socket, 'data')) as [Buffer]
  return { socket, first: first.toString() }
}

t.test('a WebSocket reaches its service by the same rules as a request', async t => {
  const { gateway, marathon, master } = await cluster(t)
  const service = await backend(t, (_request, response) => response.end('plain'))
  const { seen, sockets } = echoes(service.server)
  putService(marathon, 'ws', [service.port])
  master.writer.put('agent', 'A', { id: 'A', pid: `slave(1)@127.0.0.1:${service.port}` })
  await reachable(gateway, '/service/ws/')

  const { socket, first } = await open(
    gateway,
    '/service/%77s/chat?x',
    'Cookie: a=1; dcos-acs-auth-cookie=t; b=2\r\nX-Real-IP: 6.6.6.6\r\nX-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Request-Id: mine\r\nSec-WebSocket-Key: k\r\n',
  )
  t.match(first, /^HTTP\/1\.1 101 Switching Protocols\r\n/)
  t.match(first, /\r\nX-Own: yes\r\n/)
  t.match(first, /\r\nx-request-id: mine\r\n/)
  t.match(seen, [
    {
      url: '/chat?x',
      headers: {
        cookie: 'a=1; b=2',
        'x-real-ip': '127.0.0.1',
        'x-forwarded-for': '127.0.0.1',
        'x-request-id': 'mine',
        'sec-websocket-key': 'k',
        connection: 'Upgrade',
        upgrade: 'websocket',
        host: new URL(gateway.url).host,
      },
    },
  ])
  t.notOk('forwarded' in seen[0]!.headers)
  socket.write('ping')
  t.equal(String((await once(socket, 'data'))[0]), 'ping')
  socket.destroy()
  await until(async () => sockets.size === 0)

  const early = await open(gateway, '/agent/A/x', '', 'early')
  t.match(early.first + String(early.first.endsWith('early') ? '' : (await once(early.socket, 'data'))[0]), /early$/)
  t.equal(seen.at(-1)!.url, '/x')
  for (const upstream of sockets) upstream.destroy()
  await once(early.socket, 'close')
})

t.test('WebSockets take turns among backends, keep to the one of a cookie, and pass over one that is gone', async t => {
  const { gateway, marathon } = await cluster(t)
  const services = await Promise.all(
    [1, 2].map(async () => {
      const one = await backend(t, (_request, response) => response.end('plain'))
      return { port: one.port, server: one.server, ...echoes(one.server) }
    }),
  )
  putService(marathon, 'ws', [services[0]!.port, services[1]!.port])
  await until(async () => {
    const { socket, first } = await open(gateway, '/service/ws/')
    socket.destroy()
    return first.includes(' 101 ') && services.every(({ seen }) => seen.length > 0)
  })
  await until(async () => services.every(({ sockets }) => sockets.size === 0))
  const held = [await open(gateway, '/service/ws/'), await open(gateway, '/service/ws/')]
  t.same(
    services.map(({ sockets }) => sockets.size),
    [1, 1],
    'an open one counts as work in hand',
  )
  const cookie = /set-cookie: (meseta-backend-[^;]*)/i.exec(held[0]!.first)![1]!
  const counts = () => services.map(({ seen }) => seen.length)
  const before = counts()
  for (let i = 0; i < 4; i += 1) {
    const { socket, first } = await open(gateway, '/service/ws/', `Cookie: ${cookie}\r\n`)
    t.notMatch(first, /set-cookie/i, 'who has the cookie is not given it again')
    socket.destroy()
  }
  t.same(
    counts()
      .map((count, i) => count - before[i]!)
      .sort(),
    [0, 4],
  )
  for (const { socket } of held) socket.destroy()

  services[0]!.server.close()
  services[0]!.server.closeAllConnections()
  for (let i = 0; i < 4; i += 1) {
    const { socket, first } = await open(gateway, '/service/ws/')
    t.match(first, /^HTTP\/1\.1 101 /)
    socket.destroy()
  }
})

t.test('a WebSocket reaches an IPv6 address', async t => {
  const { gateway, marathon } = await cluster(t)
  const service = await backend(t, (_request, response) => response.end('plain'), '::1').catch(() => undefined)
  if (!service) return t.comment('this machine has no IPv6')
  echoes(service.server)
  putService(marathon, 'six', [], {})
  marathon.writer.put('instance', 'six.1', {
    id: 'six.1',
    appId: '/six',
    host: '::1',
    ports: [(service.server.address() as AddressInfo).port],
    state: 'TASK_RUNNING',
  })
  await reachable(gateway, '/service/six/')
  const { socket, first } = await open(gateway, '/service/six/')
  t.match(first, /^HTTP\/1\.1 101 /)
  socket.destroy()
})

t.test('what a WebSocket can not have is answered as a request is', async t => {
  const { gateway, marathon } = await cluster(t)
  const plain = await backend(t, (_request, response) => response.writeHead(426, { 'x-own': 'yes' }).end('no sockets'))
  putService(marathon, 'plain', [plain.port])
  putService(marathon, 'gone', [1])
  await reachable(gateway, '/service/plain/')
  await reachable(gateway, '/service/gone/')
  const ask = (path: string, headers = '') =>
    wire(gateway, `GET ${path} HTTP/1.1\r\nHost: HOST\r\n${headers}Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n`)
  t.match(await ask('/service/plain/'), /^HTTP\/1\.1 426 .*x-own: yes.*connection: close.*no sockets/is)
  t.match(await ask('/service/gone/'), /^HTTP\/1\.1 502 /)
  t.match(await ask('/service/none/'), /^HTTP\/1\.1 404 .*404 Not Found: service not found\.\n$/s)
  t.match(await ask('/service/plain/', 'Origin: http://evil.example\r\n'), /^HTTP\/1\.1 403 /)
  t.match(await ask('/service/plain/../x'), /^HTTP\/1\.1 400 /)
  t.match(await ask('/service/plain/', 'Content-Length: 5\r\n'), /^HTTP\/1\.1 400 /)
  t.match(await ask('/metadata'), /^HTTP\/1\.1 200 .*PUBLIC_IPV4/s)
})

t.test('an upgrade to anything but a WebSocket is ignored: the request is an ordinary one', async t => {
  const { gateway, marathon } = await cluster(t)
  const service = await backend(t, (_request, response, body) => response.end(`got ${body}`))
  putService(marathon, 'web', [service.port])
  await reachable(gateway, '/service/web/')
  const { hostname, port } = new URL(gateway.url)
  const socket = connect(Number(port), hostname)
  t.teardown(() => socket.destroy())
  const h2c = `Host: ${hostname}:${port}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n`
  const ask = async (text: string) => {
    socket.write(text)
    return String((await once(socket, 'data'))[0])
  }
  t.match(await ask(`GET /metadata HTTP/1.1\r\n${h2c}\r\n`), /^HTTP\/1\.1 200 OK/)
  const posted = await ask(`POST /service/web/ HTTP/1.1\r\n${h2c}Content-Length: 4\r\n\r\nbody`)
  t.match(posted, /^HTTP\/1\.1 200 OK.*got body/s, 'the connection goes on')
  t.match(service.seen.at(-1)!.headers, { upgrade: undefined, 'http2-settings': undefined })
})

t.test('a gateway that stops ends its WebSockets', async t => {
  const { gateway, marathon } = await cluster(t)
  const service = await backend(t, (_request, response) => response.end('plain'))
  echoes(service.server)
  putService(marathon, 'ws', [service.port])
  await reachable(gateway, '/service/ws/')
  const { socket } = await open(gateway, '/service/ws/')
  await Promise.all([once(socket, 'close'), gateway.stop()])
})

t.test('a client that leaves before its WebSocket is open ends the try, and no other is made', async t => {
  const { gateway, marathon } = await cluster(t)
  let asked = 0
  const upstreams = new Set<Socket>()
  const services = await Promise.all([1, 2].map(() => backend(t, (_request, response) => response.end('plain'))))
  for (const { server } of services)
    server.on('upgrade', (_request, socket: Socket) => {
      asked += 1
      upstreams.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => upstreams.delete(socket))
      socket.on('end', () => socket.end()).resume()
    })
  putService(marathon, 'ws', [services[0]!.port, services[1]!.port])
  await reachable(gateway, '/service/ws/')
  const { hostname, port } = new URL(gateway.url)
  const socket = connect(Number(port), hostname)
  socket.write(
    `GET /service/ws/ HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`,
  )
  await until(async () => asked === 1)
  socket.destroy()
  await until(async () => upstreams.size === 0)
  t.equal(asked, 1)
  const ending = connect({ port: Number(port), host: hostname, allowHalfOpen: true })
  ending.write(
    `GET /service/ws/ HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`,
  )
  await until(async () => asked === 2)
  ending.on('error', () => undefined).resume()
  const closed = once(ending, 'close')
  ending.end()
  await closed
  t.equal(ending.bytesRead, 0, 'its connection is closed, too')
  await until(async () => upstreams.size === 0)
  await gateway.stop()
  t.equal(asked, 2)
})

t.test(
  'who asks for a WebSocket before an earlier request was answered loses the connection, and nobody else',
  async t => {
    const { gateway, marathon } = await cluster(t)
    const service = await backend(t, (request, response) => {
      if (request.url === '/waits') response.writeHead(200).flushHeaders()
      else response.end('plain')
    })
    const { seen } = echoes(service.server)
    putService(marathon, 'ws', [service.port])
    await reachable(gateway, '/service/ws/')
    const { socket } = await open(gateway, '/service/ws/chat')
    for (const first of ['/service/ws/waits', '/meseta/v1/events', '/nowhere'])
      await wire(
        gateway,
        `GET ${first} HTTP/1.1\r\nHost: HOST\r\n\r\nGET /service/ws/chat HTTP/1.1\r\nHost: HOST\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`,
      )
    t.equal(seen.length, 1)
    socket.write('still there')
    t.equal(String((await once(socket, 'data'))[0]), 'still there')
    t.equal((await fetch(`${gateway.url}/service/ws/`)).status, 200)
    socket.destroy()
  },
)
