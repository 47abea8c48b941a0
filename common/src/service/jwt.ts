import { createPublicKey, createSecretKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose'

/** Keys that can not be used; the message never repeats one. */
export class JwtKeyError extends Error {}

type Algorithm = 'HS256' | 'RS256' | 'ES256' | 'EdDSA'

/** A key and the one algorithm that it is for: a token may not choose another (RFC 8725, 3.1). */
export interface JwtKey {
  readonly id: string | undefined
  readonly algorithm: Algorithm
  readonly key: KeyObject
}

export interface JwtRules {
  readonly keys: readonly JwtKey[]
  /** Who must have issued it, and whom it must be for; unless said anybody. */
  readonly issuer?: string | undefined
  readonly audience?: string | undefined
}

const maxTokenLength = 8_192
/** A token that is valid a little later is valid: clocks differ. Seconds. */
const leeway = 30
/** An HMAC's secret as long as its hash at least (RFC 7518, 3.2), or it can be guessed from one token. Bytes. */
const minSecretLength = 32

/**
 * The claims of a token whose signature and times are good, or undefined. It must end some time: `exp` is required.
 * `now` is in milliseconds since 1970.
 */
export async function verifyJwt(
  token: string,
  { keys, issuer, audience }: JwtRules,
  now: number,
): Promise<JWTPayload | undefined> {
  for (const { algorithm, key } of candidatesFor(token, keys)) {
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: [algorithm],
        currentDate: new Date(now),
        clockTolerance: leeway,
        requiredClaims: ['exp'],
        ...(issuer === undefined ? {} : { issuer }),
        ...(audience === undefined ? {} : { audience }),
      })
      return payload
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error
    }
  }
  return undefined
}

/** The keys that may have signed it: of its algorithm, and of its key id where both have one. */
function candidatesFor(token: string, keys: readonly JwtKey[]): readonly JwtKey[] {
  if (token.length > maxTokenLength) return []
  try {
    const { alg, kid } = decodeProtectedHeader(token)
    return keys.filter(
      ({ id, algorithm }) => algorithm === alg && (kid === undefined || id === undefined || id === kid),
    )
  } catch {
    return []
  }
}

/**
 * Reads the keys of a file: a public key in PEM, a JWK or a JWKS in JSON, or else the bytes of an HMAC's secret. Its kind says which
 * algorithm a key is for. Throws JwtKeyError.
 */
export function readJwtKeys(bytes: Buffer): readonly JwtKey[] {
  const text = bytes.toString('utf8').trim()
  if (text.includes('PRIVATE KEY'))
    throw new JwtKeyError('holds a private key; to check tokens the public one is enough')
  if (text.startsWith('-----BEGIN')) return [publicKey(text, undefined)]
  if (text.startsWith('{')) return fromJson(text)
  return [secretKey(bytes.at(-1) === 0x0a ? bytes.subarray(0, -1) : bytes, undefined)]
}

function fromJson(text: string): readonly JwtKey[] {
  let json: { keys?: unknown } & JsonWebKey
  try {
    json = JSON.parse(text)
  } catch {
    throw new JwtKeyError('is not valid JSON')
  }
  const list = json.keys === undefined ? [json] : json.keys
  if (!Array.isArray(list) || list.length === 0 || list.length > 100)
    throw new JwtKeyError('keys: must be a list of 1 to 100 keys')
  return list.map((jwk: JsonWebKey) => {
    const id = typeof jwk?.kid === 'string' ? jwk.kid : undefined
    if (jwk?.kty === 'oct' && typeof jwk.k === 'string') return secretKey(Buffer.from(jwk.k, 'base64url'), id)
    if (jwk?.d !== undefined) throw new JwtKeyError('holds a private key; to check tokens the public one is enough')
    return publicKey(jwk, id)
  })
}

function secretKey(secret: Buffer, id: string | undefined): JwtKey {
  if (secret.length < minSecretLength)
    throw new JwtKeyError(`holds a secret of ${secret.length} bytes, and at least ${minSecretLength} are needed`)
  return { id, algorithm: 'HS256', key: createSecretKey(secret) }
}

function publicKey(source: string | JsonWebKey, id: string | undefined): JwtKey {
  let key: KeyObject
  try {
    key = typeof source === 'string' ? createPublicKey(source) : createPublicKey({ key: source, format: 'jwk' })
  } catch {
    throw new JwtKeyError('holds no public key that can be read')
  }
  return { id, algorithm: algorithmOf(key), key }
}

function algorithmOf({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): Algorithm {
  if (type === 'rsa' && (details?.modulusLength ?? 0) >= 2048) return 'RS256'
  if (type === 'ec' && details?.namedCurve === 'prime256v1') return 'ES256'
  if (type === 'ed25519') return 'EdDSA'
  throw new JwtKeyError('holds a key that is none of RSA with 2048 bits or more, P-256 and Ed25519')
}
