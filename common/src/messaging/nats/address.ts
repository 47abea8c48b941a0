import type { NatsAddress } from './bus.ts'

/** The address in `nats://[user:pass@]h1:4222,h2:4222`, or what is wrong with it. */
export function parseNatsUrl(url: string): NatsAddress | { readonly flaw: string } {
  const match = /^nats:\/\/(?:([^@/]*)@)?([^@/]+)\/?$/.exec(url)
  if (!match) return { flaw: 'the servers are missing' }
  const [, auth, list] = match
  const servers = list!.split(',')
  for (const server of servers)
    if (!/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$/.test(server)) return { flaw: `"${server}" is no host:port` }
  if (auth === undefined) return { servers }
  const colon = auth.indexOf(':')
  try {
    const user = decodeURIComponent(colon < 0 ? auth : auth.slice(0, colon))
    return colon < 0 ? { servers, user } : { servers, user, password: decodeURIComponent(auth.slice(colon + 1)) }
  } catch {
    return { flaw: 'the user or password has a bad % sequence' }
  }
}
