import { readFileSync, statSync } from 'node:fs'
import { Authenticator, type Proofs } from '@meseta/common/service/authentication'
import type { Clock } from '@meseta/common/service/clock'
import { readCredentials } from '@meseta/common/service/credentials'
import { defineFlags, type FlagValues } from '@meseta/common/service/flags'
import type { Authentication } from '@meseta/common/service/guard'
import { readJwtKeys } from '@meseta/common/service/jwt'
import { readTls, type TlsFiles, tlsFlags } from '@meseta/common/service/tls'
import type { Logger } from 'pino'
import { Gate } from './gate.ts'
import { readAcls } from './security/acls.ts'
import { readFirewall } from './security/firewall.ts'
import { readRateLimits } from './security/rate-limits.ts'

/** Who may enter and do what (Mesos contract 8). Secrets are in files: their names are all that is seen of them. */
export const securityFlags = defineFlags({
  ...tlsFlags,
  authenticate_http_readonly: {
    type: 'boolean',
    default: false,
    help: 'Ask who reads: state, tasks, agents, metrics, flags, the feed.',
  },
  authenticate_http_readwrite: {
    type: 'boolean',
    default: false,
    help: "Ask who uses the operators' API and the endpoints that change something.",
  },
  authenticate_http_frameworks: { type: 'boolean', default: false, help: 'Ask frameworks who they are.' },
  authenticate_frameworks: {
    type: 'boolean',
    default: false,
    help: 'The same as --authenticate_http_frameworks: frameworks speak HTTP.',
  },
  authenticate_agents: {
    type: 'boolean',
    default: false,
    help: "The bus proves who agents are: an agent's id belongs to who registered it.",
  },
  credentials: {
    type: 'string',
    help: 'The file of principals and secrets: {"credentials":[{"principal":…,"secret":…}]}, or a line each.',
  },
  bearer_tokens: {
    type: 'string',
    help: 'The file of principals and their tokens for "Authorization: Bearer", in the form of --credentials.',
  },
  jwt_keys: {
    type: 'string',
    help: 'The file of what signed bearer tokens are checked by: a public key in PEM, a JWK or JWKS, or a secret.',
  },
  jwt_principal_claim: { type: 'string', default: 'sub', help: 'The claim of a signed token that is the principal.' },
  jwt_issuer: { type: 'string', help: 'Who must have issued a signed token.' },
  jwt_audience: { type: 'string', help: 'Whom a signed token must be for.' },
  acls: { type: 'json', help: 'Who may do what to what, in the form of Mesos; everybody everything unless given.' },
  rate_limits: {
    type: 'json',
    help: 'How many messages a second frameworks may send, by principal, in the form of Mesos.',
  },
  firewall_rules: {
    type: 'json',
    help: 'Endpoints that answer 403 to all: {"disabled_endpoints":{"paths":[…]}}.',
  },
})

type SecurityFlags = FlagValues<typeof securityFlags>

/** What stands before the master's endpoints. */
export interface Security {
  readonly tls: TlsFiles | undefined
  readonly authentication: Authentication | undefined
  readonly gate: Gate
}

/** Reads what the flags name. Throws an Error that says which flag, and never repeats a secret. */
export function readSecurity(flags: SecurityFlags, clock: Clock, log: Logger): Security {
  const tls = readTls(flags)
  rateLimitsOf(flags)
  const gate = new Gate(
    aclsOf(flags),
    said('--firewall-rules', () => readFirewall(flags.firewall_rules)),
  )
  return { tls, gate, authentication: authenticationOf(flags, tls, gate, clock, log) }
}

/** The checked rules of `--acls`. */
export const aclsOf = ({ acls }: Pick<SecurityFlags, 'acls'>) =>
  acls === undefined ? undefined : said('--acls', () => readAcls(acls))

/** The checked limits of `--rate_limits`. */
export const rateLimitsOf = ({ rate_limits: limits }: Pick<SecurityFlags, 'rate_limits'>) =>
  limits === undefined ? undefined : said('--rate-limits', () => readRateLimits(limits))

function authenticationOf(
  flags: SecurityFlags,
  tls: TlsFiles | undefined,
  gate: Gate,
  clock: Clock,
  log: Logger,
): Authentication | undefined {
  const realms = {
    'mesos-master-readonly': flags.authenticate_http_readonly,
    'mesos-master-readwrite': flags.authenticate_http_readwrite,
    'mesos-master-scheduler': flags.authenticate_http_frameworks || flags.authenticate_frameworks,
  }
  if (!Object.values(realms).includes(true)) return undefined
  const proofs = readProofs(flags, tls, log)
  if (!proofs.credentials && !proofs.tokens && !proofs.jwt && !proofs.certificates)
    throw new Error(
      '--authenticate-http-* and --authenticate-frameworks need something to prove it by: --credentials, --bearer-tokens, --jwt-keys or --tls-ca',
    )
  return {
    authenticator: new Authenticator(proofs, clock),
    realmOf: request => gate.realmsOf(request).find(realm => realms[realm]),
    isComplete: !Object.values(realms).includes(false),
  }
}

function readProofs(flags: SecurityFlags, tls: TlsFiles | undefined, log: Logger): Proofs {
  const secret = <Read>(flag: string, path: string | undefined, read: (bytes: Buffer) => Read): Read | undefined =>
    path === undefined ? undefined : said(`${flag}: ${path}`, () => read(readSecret(flag, path, log)))
  const keys = secret('--jwt-keys', flags.jwt_keys, readJwtKeys)
  const { jwt_issuer: issuer, jwt_audience: audience, jwt_principal_claim: principalClaim } = flags
  return {
    credentials: secret('--credentials', flags.credentials, bytes => readCredentials(bytes.toString('utf8'))),
    tokens: secret('--bearer-tokens', flags.bearer_tokens, bytes => readCredentials(bytes.toString('utf8'))),
    jwt: keys && { keys, issuer, audience, principalClaim },
    certificates: tls?.ca !== undefined,
  }
}

/** Mesos writes paths as `file:///…` too. */
function readSecret(flag: string, path: string, log: Logger): Buffer {
  const file = path.replace(/^file:\/\//, '')
  const bytes = readFileSync(file)
  if ((statSync(file).mode & 0o077) !== 0)
    log.warn({ flag, path: file }, 'others on this machine may read a file of secrets')
  return bytes
}

/** Runs something whose errors are about a flag. */
function said<Result>(what: string, run: () => Result): Result {
  try {
    return run()
  } catch (error) {
    throw new Error(`${what}: ${(error as Error).message}`)
  }
}
