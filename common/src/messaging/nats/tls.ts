import { type ConnectionOptions, checkServerIdentity, type PeerCertificate } from 'node:tls'
import type { TlsOptions } from 'nats'

/**
 * Whom to believe to be a server of the bus: who has a certificate of these authorities for the name it was called by, or for one of those
 * that are configured. The library knows no addresses as names, and calls each `localhost` whose certificate it checks.
 */
export function natsTls(
  ca: string,
  servers: readonly string[],
): TlsOptions & Pick<ConnectionOptions, 'checkServerIdentity'> {
  const names = servers.map(server => server.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1'))
  const check = (host: string, certificate: PeerCertificate): Error | undefined => {
    const called = host === 'localhost' ? names : [host, ...names]
    const errors = called.map(name => checkServerIdentity(name, certificate))
    return errors.includes(undefined) ? undefined : errors[0]
  }
  return { ca, checkServerIdentity: check }
}
