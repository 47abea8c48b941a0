import { execFileSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { request as httpsRequest, type RequestOptions } from 'node:https'
import { connect } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { Authenticator } from '../../src/service/authentication.ts'
import { systemClock } from '../../src/service/clock.ts'
import { readCredentials } from '../../src/service/credentials.ts'
import type { HttpOptions } from '../../src/service/http.ts'
import { readJwtKeys } from '../../src/service/jwt.ts'
import { readTls } from '../../src/service/tls.ts'
import { ask, raw, serve } from './support.ts'

const secret = 'a secret of more than thirty-two bytes'
const authenticator = new Authenticator(
  {
    credentials: readCredentials('p s'),
    tokens: readCredentials('robot a-token-of-its-own'),
    jwt: { keys: readJwtKeys(Buffer.from(secret)), principalClaim: 'sub' },
    certificates: true,
  },
  systemClock,
)
const guarded: Partial<HttpOptions> = {
  authentication: {
    authenticator,
    realmOf: ({ url }) => (url.startsWith('/open') ? undefined : 'tested'),
    isComplete: true,
  },
}
const serveGuarded = (more: Partial<HttpOptions> = {}, flags: { ip?: string } = {}) =>
  serve(
    ({ app }) => {
      for (const path of ['/who', '/open']) app.all(path, async ({ principal }) => ({ principal: principal ?? null }))
    },
    { ...guarded, ...more },
    flags,
  )

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
function jwt(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const text = `${part({ alg: 'HS256' })}.${part(claims)}`
  return `Bearer ${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}
const later = Date.now() / 1000 + 600

t.test('who proves it is known by name; all others get a 401 that says how', async t => {
  const { http, url } = await serveGuarded()
  const who = (authorization?: string) => ask(`${url}/who`, { headers: authorization ? { authorization } : {} })
  for (const [header, principal] of [
    [basic('p:s'), 'p'],
    [basic('p:s').replace('Basic', 'basic'), 'p'],
    ['Bearer a-token-of-its-own', 'robot'],
    [jwt({ sub: 'signed', exp: later }), 'signed'],
  ] as const)
    t.match(await who(header), { status: 200, text: `{"principal":"${principal}"}` }, header.slice(0, 12))
  const wrong = [
    undefined,
    'Basic',
    'Basic Og==',
    basic('p'),
    basic('p:'),
    basic('p:x'),
    basic('q:s'),
    basic('robot:a-token-of-its-own'),
    `${basic('p:s')} x`,
    'Bearer s',
    'Bearer a-token',
    jwt({ sub: 'signed', exp: later - 1_200 }),
    jwt({ sub: '', exp: later }),
    jwt({ sub: ['p'], exp: later }),
    jwt({ sub: 'a:b', exp: later }),
    jwt({ exp: later }),
    `token=${jwt({ sub: 'p', exp: later }).slice(7)}`,
    `Basic ${'A'.repeat(12_000)}`,
  ]
  for (const header of wrong) {
    const answer = await who(header)
    t.equal(answer.status, 401, `${header}`.slice(0, 40))
    t.equal(answer.headers['www-authenticate'], 'Basic realm="tested", Bearer realm="tested"')
    t.notMatch(answer.text, /a-token|eyJ/, 'nothing is repeated')
  }
  t.equal((await ask(`${url}/metrics`)).status, 401, 'the routes that every process has, too')
  t.equal((await ask(`${url}/nowhere`)).status, 401, 'nobody learns what exists')
  t.match(await ask(`${url}/open`, { headers: { authorization: basic('p:x') } }), {
    status: 200,
    text: '{"principal":null}',
  })
  await http.close()
})

t.test('a body of somebody who proves nothing is not read', async t => {
  const { http, port } = await serveGuarded()
  const answer = await raw(port, 'POST /who HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000000\r\n\r\n{')
  t.match(answer, /^HTTP\/1\.1 401 /)
  t.match(answer, /connection: close/i)
  await http.close()
})

t.test(
  'where everybody must prove it, it listens anywhere and answers to any name; pages of others stay outside',
  async t => {
    const { http, port } = await serveGuarded({}, { ip: '0.0.0.0' })
    const at = (headers: Record<string, string>) =>
      ask(`http://127.0.0.1:${port}/who`, { headers: { authorization: basic('p:s'), ...headers } })
    t.equal((await at({ host: `master-1.example:${port}` })).status, 200)
    t.equal((await at({ host: `master-1.example:${port}`, origin: 'http://evil.example' })).status, 403)
    t.equal((await at({ host: `master-1.example:${port}`, 'sec-fetch-site': 'cross-site' })).status, 403)
    await http.close()
    await t.rejects(
      serveGuarded({ authentication: { ...guarded.authentication!, isComplete: false } }, { ip: '0.0.0.0' }),
      /loopback addresses only where not everybody must authenticate/,
    )
  },
)

t.test('who sends nothing, or its headers too slowly, is cut off', async t => {
  const { http, port } = await serveGuarded({ headersTimeout: 300 })
  t.match(await raw(port, 'GET /open HTTP/1.1\r\nHost: loc'), /^HTTP\/1\.1 408 /)
  const dripping = connect(port, '127.0.0.1', () => dripping.write('GET /open HTTP/1.1\r\nX-1: '))
  dripping.on('error', () => undefined)
  const drip = setInterval(() => dripping.write('y'), 20)
  await new Promise(resolve => dripping.once('close', resolve))
  clearInterval(drip)
  const silent = connect(port, '127.0.0.1')
  silent.on('error', () => undefined)
  silent.resume()
  await new Promise(resolve => silent.once('close', resolve))
  t.equal((await ask(`http://127.0.0.1:${port}/open`)).status, 200)
  await http.close()
})

const openssl = (() => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return false
  } catch {
    return 'openssl is not installed'
  }
})()

/** An authority and what it signed, as files of a folder. */
class Authority {
  readonly folder: string
  constructor(folder: string) {
    this.folder = folder
    this.#openssl(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=authority',
      '-keyout',
      this.path('ca.key'),
      '-out',
      this.path('ca.pem'),
    )
  }
  path(name: string): string {
    return join(this.folder, name)
  }
  sign(name: string, subject: string, names: string): void {
    this.#openssl(
      'req',
      '-new',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      subject,
      '-keyout',
      this.path(`${name}.key`),
      '-out',
      this.path(`${name}.csr`),
    )
    writeFileSync(this.path(`${name}.ext`), `subjectAltName=${names}\n`)
    this.#openssl(
      'x509',
      '-req',
      '-in',
      this.path(`${name}.csr`),
      '-CA',
      this.path('ca.pem'),
      '-CAkey',
      this.path('ca.key'),
      '-CAcreateserial',
      '-days',
      '2',
      '-extfile',
      this.path(`${name}.ext`),
      '-out',
      this.path(`${name}.pem`),
    )
  }
  pair(name: string): { cert: Buffer; key: Buffer } {
    return { cert: readFileSync(this.path(`${name}.pem`)), key: readFileSync(this.path(`${name}.key`)) }
  }
  #openssl(...argv: string[]): void {
    execFileSync('openssl', argv, { stdio: 'ignore' })
  }
}

function askTls(url: string, options: RequestOptions): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(url, { agent: false, ...options }, response => {
      let text = ''
      response.on('data', chunk => {
        text += String(chunk)
      })
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode!, text }))
    })
    request.on('error', reject)
    request.end()
  })
}

t.test('over TLS a certificate of the authority is a proof, and one of another is none', { skip: openssl }, async t => {
  const folder = t.testdir({ mine: {}, other: {} })
  const mine = new Authority(join(folder, 'mine'))
  const other = new Authority(join(folder, 'other'))
  mine.sign('server', '/CN=server', 'IP:127.0.0.1')
  mine.sign('client', '/CN=ops', 'DNS:elsewhere')
  mine.sign('unnamed', '/O=nobody', 'DNS:robot.example')
  other.sign('client', '/CN=ops', 'DNS:elsewhere')
  const flags = {
    tls_cert: mine.path('server.pem'),
    tls_key: mine.path('server.key'),
    tls_ca: mine.path('ca.pem'),
    tls_require_client_cert: false,
  }
  const ca = readFileSync(mine.path('ca.pem'))
  const { http, url } = await serveGuarded({ tls: readTls(flags) })
  t.match(url, /^https:/)
  t.match(await askTls(`${url}/who`, { ca, ...mine.pair('client') }), { status: 200, text: '{"principal":"ops"}' })
  t.match(await askTls(`${url}/who`, { ca, ...mine.pair('unnamed') }), { text: '{"principal":"robot.example"}' })
  t.match(await askTls(`${url}/who`, { ca, ...other.pair('client') }), { status: 401 })
  t.match(await askTls(`${url}/who`, { ca }), { status: 401 })
  t.match(await askTls(`${url}/who`, { ca, headers: { authorization: basic('p:s') } }), { text: '{"principal":"p"}' })
  t.match(
    await askTls(`${url}/who`, { ca, ...mine.pair('client'), headers: { authorization: basic('p:x') } }),
    { status: 401 },
    'a wrong proof is none, whatever is shown beside it',
  )
  await t.rejects(askTls(`${url}/who`, { ca, maxVersion: 'TLSv1.1' }))
  await http.close()
  const strict = await serveGuarded({ tls: readTls({ ...flags, tls_require_client_cert: true }) })
  t.match(await askTls(`${strict.url}/who`, { ca, ...mine.pair('client') }), { status: 200 })
  await t.rejects(askTls(`${strict.url}/open`, { ca }), 'not even what is open')
  await t.rejects(askTls(`${strict.url}/open`, { ca, ...other.pair('client') }))
  await strict.http.close()
})

t.test('flags of TLS that do not fit together are named', async t => {
  const off = { tls_cert: undefined, tls_key: undefined, tls_ca: undefined, tls_require_client_cert: false }
  t.equal(readTls(off), undefined)
  t.throws(() => readTls({ ...off, tls_cert: 'c' }), /--tls-cert and --tls-key are needed together/)
  t.throws(() => readTls({ ...off, tls_ca: 'c' }), /needed together/)
  t.throws(() => readTls({ ...off, tls_cert: '/none', tls_key: '/none' }), /--tls-cert: can not read \/none/)
  t.throws(() => readTls({ ...off, tls_cert: 'c', tls_key: 'k', tls_require_client_cert: true }), /needs --tls-ca/)
})
