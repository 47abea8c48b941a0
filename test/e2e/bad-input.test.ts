import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import t from 'tap'
import { bootCluster } from '../src/support/boot.ts'
import { json } from '../src/support/http.ts'

interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

interface Answer {
  readonly status: number
  readonly body: string
}

/** A request as it is on the wire: nothing is tidied. */
function send(url: string, { method = 'POST', headers = {}, body }: Sent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const path = url.slice(url.indexOf('/', 'http://'.length))
    const request = httpRequest({ hostname, port, path, method, headers, timeout: 15_000 }, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', chunk => {
        text += chunk
        // A stream that was opened is an answer too.
        if (text.length > 100_000) request.destroy()
      })
      response.once('close', () => resolve({ status: response.statusCode!, body: text }))
    })
    request.once('timeout', () => request.destroy(new Error('no answer within 15 s')))
    request.once('error', error => {
      // A server may refuse a body by ending the connection before it has all of it.
      if ((error as NodeJS.ErrnoException).code === 'EPIPE' || (error as NodeJS.ErrnoException).code === 'ECONNRESET')
        resolve({ status: 413, body: '' })
      else reject(error)
    })
    request.end(body)
  })
}

const asJson = { 'content-type': 'application/json' }
const asProtobuf = { 'content-type': 'application/x-protobuf' }
const long = 'x'.repeat(10_240)
const deep = `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`

t.setTimeout(200_000)

t.test('bad input is refused in the words of the contracts, and harms nothing', { timeout: 200_000 }, async t => {
  const booted = await bootCluster(t)
  const { master, marathon, universe, router, agents } = booted.cluster()
  const [agent] = agents
  const scheduler = `${master}/api/v1/scheduler`

  /** Each with what the contract answers, and the field that the answer must name. */
  const table: readonly [what: string, url: string, sent: Sent, status: number | readonly number[], names?: RegExp][] =
    [
      ['a call that is not JSON', scheduler, { headers: asJson, body: '{' }, 400],
      ['a call without a content type', scheduler, { body: '{}' }, 400],
      ['a call of another type', scheduler, { headers: { 'content-type': 'text/plain' }, body: '{}' }, 415],
      ['GET where only POST is', scheduler, { method: 'GET' }, 405],
      ['protobuf that is none', scheduler, { headers: asProtobuf, body: Buffer.from([0xff, 0xff, 0xff, 0xff]) }, 400],
      ['protobuf cut short', scheduler, { headers: asProtobuf, body: Buffer.from([0x1a, 0x7f, 0x0a]) }, 400],
      [
        'a missing required field',
        scheduler,
        { headers: asJson, body: '{"type":"SUBSCRIBE","subscribe":{}}' },
        400,
        /framework_info/,
      ],
      [
        'a wrong type',
        scheduler,
        { headers: asJson, body: '{"type":"SUBSCRIBE","subscribe":{"framework_info":5}}' },
        400,
        /framework_info/,
      ],
      ['nesting without end', scheduler, { headers: asJson, body: deep }, 400],
      [
        'an unknown framework',
        scheduler,
        { headers: asJson, body: '{"type":"TEARDOWN","framework_id":{"value":"../../x"}}' },
        400,
      ],
      ['operator: malformed', `${master}/api/v1`, { headers: asJson, body: '[1' }, 400],
      ['operator: unknown call', `${master}/api/v1`, { headers: asJson, body: '{"type":"NO_SUCH_CALL"}' }, [400, 501]],
      [
        'operator: no acceptable answer',
        `${master}/api/v1`,
        { headers: { ...asJson, accept: 'text/html' }, body: '{"type":"GET_HEALTH"}' },
        406,
      ],
      ['agent: malformed', `${agent}/api/v1`, { headers: asJson, body: '{{' }, 400],
      ['agent: a path out of the sandbox', `${agent}/files/read?path=/../../etc/passwd`, { method: 'GET' }, [400, 404]],
      ['agent: a path to the machine', `${agent}/files/download?path=/etc/passwd`, { method: 'GET' }, [400, 404]],
      [
        'agent: an offset that is none',
        `${agent}/files/read?path=/slave/log&offset=hello`,
        { method: 'GET' },
        400,
        /offset/,
      ],
      ['marathon: not JSON', `${marathon}/v2/apps`, { headers: asJson, body: '{"id":' }, 400, /Invalid JSON/],
      ['marathon: no id', `${marathon}/v2/apps`, { headers: asJson, body: '{"cmd":"sleep 1"}' }, 422, /id/],
      [
        'marathon: a hostile id',
        `${marathon}/v2/apps`,
        { headers: asJson, body: JSON.stringify({ id: '/../../x', cmd: 'sleep 1' }) },
        422,
        /id/,
      ],
      [
        'marathon: a wrong type',
        `${marathon}/v2/apps`,
        { headers: asJson, body: '{"id":"/a","cmd":"sleep 1","instances":"many"}' },
        422,
        /instances/,
      ],
      [
        'marathon: cmd and args',
        `${marathon}/v2/apps`,
        { headers: asJson, body: '{"id":"/a","cmd":"sleep 1","args":["x"]}' },
        422,
      ],
      [
        'marathon: a negative number',
        `${marathon}/v2/apps`,
        { headers: asJson, body: '{"id":"/a","cmd":"sleep 1","cpus":-1}' },
        422,
        /cpus/,
      ],
      ['marathon: a group that is no object', `${marathon}/v2/groups`, { headers: asJson, body: '[]' }, [400, 422]],
      ['marathon: an unknown app', `${marathon}/v2/apps/nothing`, { method: 'GET' }, 404, /does not exist/],
      ['marathon: a long id', `${marathon}/v2/apps/${long}`, { method: 'GET' }, [400, 404, 414, 422]],
      ['catalog: no accept, no type', `${universe}/package/search`, { body: '{}' }, 400],
      [
        'catalog: malformed',
        `${universe}/package/describe`,
        {
          headers: {
            'content-type': 'application/vnd.dcos.package.describe-request+json;charset=utf-8;version=v1',
            accept: 'application/vnd.dcos.package.describe-response+json;charset=utf-8;version=v3',
          },
          body: '{',
        },
        400,
      ],
      [
        'catalog: a resource of anywhere',
        `${universe}/package/resource?url=http://127.0.0.1:1/x`,
        { method: 'GET' },
        403,
      ],
      ['router: an unknown service', `${router}/service/nobody/`, { method: 'GET' }, 404],
      ['router: an unknown agent', `${router}/agent/nobody/state`, { method: 'GET' }, 404],
      [
        'router: a service that climbs',
        `${router}/service/${encodeURIComponent('../../x')}/`,
        { method: 'GET' },
        400,
        /'\.\.'/,
      ],
      ['router: an agent that climbs', `${router}/agent/..%2f..%2fx/state`, { method: 'GET' }, 400, /'\.\.'/],
      ['router: a topic that is none', `${router}/meseta/v1/events?topics=../x`, { method: 'GET' }, 400, /topics/],
    ]
  for (const [what, url, sent, status, names] of table) {
    const answer = await send(url, sent)
    const wanted = typeof status === 'number' ? [status] : status
    t.ok(
      wanted.includes(answer.status),
      `${what}: ${answer.status}, wanted ${wanted.join(' or ')}: ${answer.body.slice(0, 160)}`,
    )
    if (names) t.match(answer.body, names, `${what}: names what is wrong`)
  }

  await t.test('oversized bodies are cut off', async t => {
    const big = Buffer.alloc(20 * 1024 * 1024, 0x20)
    for (const url of [
      scheduler,
      `${master}/api/v1`,
      `${marathon}/v2/apps`,
      `${universe}/package/search`,
      `${agent}/api/v1`,
    ]) {
      const { status } = await send(url, { headers: asJson, body: big })
      t.ok(status === 413 || status === 400, `${url} answered ${status}`)
    }
  })

  await t.test('foreign hosts and pages are refused everywhere', async t => {
    for (const url of [master, marathon, universe, router, agent!]) {
      t.equal((await send(`${url}/health`, { method: 'GET', headers: { host: 'evil.example' } })).status, 403)
      t.equal((await send(`${url}/health`, { method: 'GET', headers: { origin: 'http://evil.example' } })).status, 403)
    }
  })

  await t.test('what is not HTTP ends with a short answer', async t => {
    for (const url of [master, marathon, universe, router, agent!]) {
      const { hostname, port } = new URL(url)
      const text = await new Promise<string>(resolve => {
        const socket = connect(Number(port || 80), hostname, () => socket.write('\x16\x03\x01 nonsense\r\n\r\n'))
        let got = ''
        socket.on('data', chunk => {
          got += chunk
        })
        socket.on('error', () => undefined)
        socket.once('close', () => resolve(got))
      })
      t.match(text, /^HTTP\/1\.1 400 /)
    }
  })

  await t.test('nothing was half applied, and everything still works', async t => {
    const { apps } = await json<{ apps: unknown[] }>(`${marathon}/v2/apps`)
    t.same(apps, [])
    const { units } = await json<{ units: { name: string; health: number }[] }>(`${router}/system/health/v1`)
    t.same(
      units.filter(({ health }) => health !== 0),
      [],
    )
  })
})
