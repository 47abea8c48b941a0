import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { CredentialsError, readCredentials } from '../../src/service/credentials.ts'
import { JwtKeyError, readJwtKeys, verifyJwt } from '../../src/service/jwt.ts'

t.test('credentials are read in both forms of Mesos', async t => {
  const json = readCredentials('{"credentials":[{"principal":"p","secret":"s 1"},{"principal":"q","secret":"t"}]}')
  t.same([json.size, json.has('p', 's 1'), json.has('q', 't')], [2, true, true])
  const lines = readCredentials('p  s1\n\nq\tt\r\n')
  t.same([lines.size, lines.has('p', 's1'), lines.has('q', 't')], [2, true, true])
  for (const [principal, secret] of [
    ['p', 't'],
    ['p', ''],
    ['p', 's'],
    ['r', 's1'],
    ['', ''],
    ['__proto__', 's1'],
  ] as const)
    t.equal(lines.has(principal, secret), false, `${principal} ${secret}`)
  t.equal(lines.ownerOf('t'), 'q')
  t.equal(lines.ownerOf('x'), undefined)
})

t.test('credentials that can not be used are refused in words that repeat no secret', async t => {
  const cases: [string, RegExp][] = [
    ['', /names no principal/],
    ['{"credentials":[]}', /names no principal/],
    ['{"credentials":{}}', /credentials: must be a list/],
    ['{"credentials":[{"principal":"p","secret":"hush"', /is not valid JSON$/],
    ['{"credentials":[null]}', /credentials\[0\]\.principal: must be text/],
    ['{"credentials":[{"principal":"p","secret":7}]}', /credentials\[0\]\.secret: must be text/],
    ['{"credentials":[{"principal":"","secret":"hush"}]}', /credentials\[0\]\.principal: must not be empty/],
    ['{"credentials":[{"principal":"a:b","secret":"hush"}]}', /colon/],
    ['{"credentials":[{"principal":"p","secret":""}]}', /credentials\[0\]\.secret: must have 1 to/],
    ['p hush\np hush2', /credentials\[1\]\.principal: 'p' is there twice/],
    ['p hush extra', /line 1: must be/],
    ['p', /line 1: must be/],
  ]
  for (const [text, message] of cases) {
    t.throws(() => readCredentials(text), { message }, text)
    try {
      readCredentials(text)
    } catch (error) {
      t.notMatch((error as Error).message, /hush/)
    }
  }
})

t.test('whatever text is read as credentials is refused in words, or answers without failing', async () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.json().map(list => `{"credentials":${list}}`),
    fc
      .array(fc.record({ principal: fc.anything(), secret: fc.anything() }, { requiredKeys: [] }))
      .map(credentials => JSON.stringify({ credentials }, (_key, value) => (typeof value === 'bigint' ? 0 : value))),
  )
  fc.assert(
    fc.property(text, fc.string(), fc.string(), (text, principal, secret) => {
      try {
        const credentials = readCredentials(text)
        credentials.has(principal, secret)
        credentials.ownerOf(secret)
      } catch (error) {
        if (!(error instanceof CredentialsError)) throw error
      }
    }),
    { numRuns: 2_000 },
  )
})

const now = 1_700_000_000_000
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const good = { sub: 'p', exp: now / 1000 + 60 }
const secret = 'a secret of more than thirty-two bytes'

const hmac = (claims: unknown, header: object = { alg: 'HS256' }, key: string | KeyObject = secret) => {
  const text = `${part(header)}.${part(claims)}`
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`
}
const signed = (alg: string, key: KeyObject, claims: unknown = good, header: object = {}) => {
  const text = `${part({ alg, ...header })}.${part(claims)}`
  const bytes = sign(alg === 'EdDSA' ? null : 'sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' })
  return `${text}.${bytes.toString('base64url')}`
}
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ed = generateKeyPairSync('ed25519')
const pem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }) as string

t.test('a signed token is good for the key of its algorithm alone', async t => {
  const pairs = [
    ['RS256', rsa],
    ['ES256', ec],
    ['EdDSA', ed],
  ] as const
  for (const [alg, { publicKey, privateKey }] of pairs) {
    const keys = readJwtKeys(Buffer.from(pem(publicKey)))
    t.match(await verifyJwt(signed(alg, privateKey), { keys }, now), { sub: 'p' }, alg)
    for (const [other, pair] of pairs)
      if (other !== alg)
        t.equal(await verifyJwt(signed(other, pair.privateKey), { keys }, now), undefined, `${other} for ${alg}`)
    // The public key is known to everybody: a token signed with it as if it were a secret must not be believed.
    t.equal(await verifyJwt(hmac(good, { alg: 'HS256' }, pem(publicKey)), { keys }, now), undefined)
    t.equal(await verifyJwt(hmac(good, { alg }, pem(publicKey)), { keys }, now), undefined)
  }
  const keys = readJwtKeys(Buffer.from(`${secret}\n`))
  t.match(await verifyJwt(hmac(good), { keys }, now), { sub: 'p' })
  t.equal(
    await verifyJwt(hmac(good, { alg: 'HS256' }, 'another secret of thirty-two bytes.'), { keys }, now),
    undefined,
  )
  t.equal(await verifyJwt(`${part({ alg: 'none' })}.${part(good)}.`, { keys }, now), undefined)
  t.equal(await verifyJwt(`${part({ alg: 'none' })}.${part(good)}.AA`, { keys }, now), undefined)
  t.equal(await verifyJwt(hmac(good, { alg: 'HS256', crit: ['exp'] }), { keys }, now), undefined)
})

t.test('a token is good in its time, from its issuer, for its audience', async t => {
  const keys = readJwtKeys(Buffer.from(secret))
  const s = now / 1000
  const cases: [object, boolean][] = [
    [{ exp: s + 1 }, true],
    [{ exp: s - 29 }, true],
    [{ exp: s - 31 }, false],
    [{ exp: s + 60, nbf: s + 20 }, true],
    [{ exp: s + 60, nbf: s + 40 }, false],
    [{ exp: s + 60, nbf: 'soon' }, false],
    [{ exp: `${s + 60}` }, false],
    [{}, false],
  ]
  for (const [claims, expected] of cases)
    t.equal(
      (await verifyJwt(hmac({ sub: 'p', ...claims }), { keys }, now)) !== undefined,
      expected,
      JSON.stringify(claims),
    )
  const rules = { keys, issuer: 'i', audience: 'a' }
  t.ok(await verifyJwt(hmac({ ...good, iss: 'i', aud: 'a' }), rules, now))
  t.ok(await verifyJwt(hmac({ ...good, iss: 'i', aud: ['b', 'a'] }), rules, now))
  t.notOk(await verifyJwt(hmac({ ...good, iss: 'j', aud: 'a' }), rules, now))
  t.notOk(await verifyJwt(hmac({ ...good, iss: 'i', aud: ['b'] }), rules, now))
  t.notOk(await verifyJwt(hmac({ ...good, iss: 'i' }), rules, now))
})

t.test('keys come as JWK and JWKS too, found by their ids', async t => {
  const jwk = (key: KeyObject, kid: string) => ({ ...key.export({ format: 'jwk' }), kid })
  const keys = readJwtKeys(Buffer.from(JSON.stringify({ keys: [jwk(rsa.publicKey, 'one'), jwk(ec.publicKey, 'two')] })))
  t.ok(await verifyJwt(signed('ES256', ec.privateKey, good, { kid: 'two' }), { keys }, now))
  t.notOk(await verifyJwt(signed('ES256', ec.privateKey, good, { kid: 'one' }), { keys }, now))
  const [oct] = readJwtKeys(Buffer.from(JSON.stringify({ kty: 'oct', k: Buffer.from(secret).toString('base64url') })))
  t.ok(await verifyJwt(hmac(good), { keys: [oct!] }, now))
})

t.test('keys that are too weak, private or none are refused', async t => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey
  const cases: [string, RegExp][] = [
    ['short', /5 bytes, and at least 32/],
    [pem(weak), /none of RSA with 2048 bits/],
    [pem(p384), /none of RSA/],
    [rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, /private key/],
    [JSON.stringify(ec.privateKey.export({ format: 'jwk' })), /private key/],
    ['-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----', /no public key/],
    ['{"keys":[]}', /keys: must be a list/],
    ['{"keys":[null]}', /no public key/],
    ['{', /not valid JSON/],
  ]
  for (const [text, message] of cases) t.throws(() => readJwtKeys(Buffer.from(text)), { message }, text.slice(0, 40))
})

t.test('whatever comes as a token is refused without failing', async () => {
  const keys = [rsa.publicKey, ec.publicKey, ed.publicKey].flatMap(key => readJwtKeys(Buffer.from(pem(key))))
  keys.push(...readJwtKeys(Buffer.from(secret)))
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 80 }).map(bytes => Buffer.from(bytes).toString('base64url')),
    fc.jsonValue().map(part),
    fc.constantFrom(...['HS256', 'RS256', 'ES256', 'EdDSA', 'none', '__proto__'].map(alg => part({ alg })), part(good)),
  )
  const token = fc.oneof(
    fc.string(),
    fc.array(bytes, { minLength: 3, maxLength: 3 }).map(parts => parts.join('.')),
  )
  await fc.assert(
    fc.asyncProperty(token, async token => {
      if ((await verifyJwt(token, { keys }, now)) !== undefined) throw new Error('believed')
    }),
    { numRuns: 3_000 },
  )
})

t.test('whatever comes as keys is refused in words', async () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.json().map(keys => `{"keys":${keys}}`),
      ),
      text => {
        try {
          readJwtKeys(Buffer.from(text))
        } catch (error) {
          if (!(error instanceof JwtKeyError)) throw error
        }
      },
    ),
    { numRuns: 1_000 },
  )
})
