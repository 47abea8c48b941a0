import { checkPath } from '../paths.ts'

/** Where the servers are, under which folder everything lies, and who we are to them. */
export interface ZookeeperAddress {
  /** `h1:2181,h2:2181` */
  readonly servers: string
  /** `/mesos`; empty: the root. */
  readonly root: string
  /** `user:password` */
  readonly auth?: string
}

/** The address in `zk://[user:pass@]h1:2181,h2:2181[/path]`, or what is wrong with it. */
export function parseZookeeperUrl(url: string): ZookeeperAddress | { readonly flaw: string } {
  const match = /^zk:\/\/(?:([^/]*)@)?([^@/]+)(\/.*)?$/.exec(url)
  if (!match) return { flaw: 'the servers are missing' }
  const [, auth, servers, path = '/'] = match
  for (const server of servers!.split(','))
    if (!/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):\d{1,5}$/.test(server)) return { flaw: `"${server}" is no host:port` }
  if (auth !== undefined && !/^[^:]+:./.test(auth)) return { flaw: 'the part before "@" is not user:password' }
  const root = path.replace(/\/$/, '')
  if (root !== '') {
    try {
      checkPath(root)
    } catch (error) {
      return { flaw: error instanceof Error ? error.message : String(error) }
    }
  }
  return { servers: servers!, root, ...(auth !== undefined && { auth }) }
}
