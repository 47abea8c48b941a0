import { request as httpRequest, type IncomingMessage } from 'node:http'
import t from 'tap'
import { send } from './support/fake-scheduler.ts'
import { Ground } from './support/process.ts'

// Pages of other servers (Mesos contract 3, CORS).

const ground = new Ground()
t.teardown(() => ground.close())
const origin = 'https://ui.example.com:8443'
const url = await ground.leader(`--http-cors-allowed-origins=http://other.example,${origin}`)

const granted = {
  'access-control-allow-origin': origin,
  'access-control-allow-credentials': 'true',
  'access-control-expose-headers': 'Mesos-Stream-Id',
  vary: /Origin/,
}

t.test('every answer to a listed origin says that its pages may read it', async t => {
  for (const [path, method, status] of [
    ['/state', 'GET', 200],
    ['/health', 'GET', 200],
    ['/nothing', 'GET', 404],
    ['/api/v1', 'GET', 405],
    ['/api/v1/scheduler', 'POST', 400],
    ['/redirect', 'GET', 307],
    ['/metrics/snapshot', 'GET', 200],
    ['/metrics', 'GET', 200],
  ] as const)
    t.match(await send(url + path, method, { origin }), { status, headers: granted }, path)
})

t.test('streams, too', async t => {
  const headers = { origin, 'content-type': 'application/json' }
  const body = { type: 'SUBSCRIBE', subscribe: { framework_info: { user: 'u', name: 'n' } } }
  const response = await new Promise<IncomingMessage>((answered, failed) => {
    const request = httpRequest(`${url}/api/v1/scheduler`, { method: 'POST', headers }, answered)
    request.on('error', failed)
    request.end(JSON.stringify(body))
  })
  t.match(response, { statusCode: 200, headers: { ...granted, 'mesos-stream-id': String } })
  response.on('error', () => undefined)
  response.destroy()
})

t.test('what a browser asks beforehand is answered without running anything', async t => {
  for (const wanted of ['GET', 'POST'])
    for (const path of ['/api/v1', '/teardown', '/nowhere'])
      t.match(await send(url + path, 'OPTIONS', { origin, 'access-control-request-method': wanted }), {
        status: 200,
        text: '',
        headers: {
          ...granted,
          'access-control-allow-methods': 'GET, POST, OPTIONS',
          'access-control-allow-headers': 'Authorization, Content-Type, Accept, Mesos-Stream-Id',
        },
      })
  const other = await send(`${url}/api/v1`, 'OPTIONS', { origin, 'access-control-request-method': 'DELETE' })
  t.match(other, { status: 405 })
  t.notOk('access-control-allow-methods' in other.headers)
})

t.test('other origins get no such header, and stay outside', async t => {
  for (const foreign of ['https://ui.example.com', 'http://ui.example.com:8443', 'https://evil.example', 'null']) {
    const asked = await send(`${url}/api/v1`, 'OPTIONS', { origin: foreign, 'access-control-request-method': 'POST' })
    t.equal(asked.status, 403, foreign)
    t.same(
      Object.keys(asked.headers).filter(name => name.startsWith('access-control')),
      [],
    )
  }
  const { headers } = await send(`${url}/state`, 'GET', {})
  t.notOk('access-control-allow-origin' in headers)
})

t.test('what is no origin is refused at the start', async t => {
  for (const wrong of ['*', 'example.com', 'https://example.com/', 'https://example.com/x', 'ftp://example.com'])
    await t.rejects(ground.master(`--http_cors_allowed_origins=${wrong}`), /http-cors-allowed-origins/, wrong)
})
