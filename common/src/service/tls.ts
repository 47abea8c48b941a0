import { readFileSync } from 'node:fs'
import { defineFlags, type FlagValues } from './flags.ts'

/** The flags of a process that can speak HTTPS; spread into its own. */
export const tlsFlags = defineFlags({
  tls_cert: {
    type: 'string',
    help: 'The file of its certificate and chain, in PEM; with it the process speaks HTTPS.',
  },
  tls_key: { type: 'string', help: 'The file of the private key of --tls_cert, in PEM.' },
  tls_ca: {
    type: 'string',
    help: 'The file of the authorities, in PEM, whose clients may prove who they are by a certificate.',
  },
  tls_require_client_cert: {
    type: 'boolean',
    default: false,
    help: 'Refuse clients without a certificate of --tls_ca.',
  },
})

/** What a TLS server is made of: the contents of the files, under the names that node:tls has for them. */
export interface TlsFiles {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca?: Buffer
  readonly requestCert?: boolean
  readonly rejectUnauthorized?: boolean
  readonly minVersion: 'TLSv1.2'
}

/** Reads the files that the flags name; undefined where TLS is off. Throws an Error that names the flag. */
export function readTls(flags: FlagValues<typeof tlsFlags>): TlsFiles | undefined {
  const { tls_cert: cert, tls_key: key, tls_ca: ca, tls_require_client_cert: required } = flags
  if (cert === undefined && key === undefined && ca === undefined && !required) return undefined
  if (cert === undefined || key === undefined) throw new Error('--tls-cert and --tls-key are needed together for TLS')
  if (required && ca === undefined)
    throw new Error('--tls-require-client-cert needs --tls-ca: whose certificates to believe')
  return {
    cert: readFile('--tls-cert', cert),
    key: readFile('--tls-key', key),
    ...(ca === undefined ? {} : { ca: readFile('--tls-ca', ca), requestCert: true, rejectUnauthorized: required }),
    minVersion: 'TLSv1.2',
  }
}

function readFile(flag: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new Error(`${flag}: can not read ${path}: ${(error as Error).message}`)
  }
}

/**
 * What fastify makes its server of. A handshake may take as long as the headers of a request; both are looked at a few times in that
 * while. Fastify's own types know of one kind of server at a time.
 */
export function serverOptions(tls: TlsFiles | undefined, headersTimeout: number): { readonly http: object } {
  const times = { headersTimeout, connectionsCheckingInterval: Math.min(5_000, headersTimeout / 6), requestTimeout: 0 }
  const options = tls ? { https: { ...times, ...tls, handshakeTimeout: headersTimeout } } : { http: times }
  return options as { readonly http: object }
}
