import DNS from 'dns2'

export interface DnsAddress {
  readonly dns: { readonly address: string; readonly port: number }
}

export interface SrvTarget {
  readonly target: string
  readonly port: number
}

type Transport = 'udp' | 'tcp'

async function resolve(server: DnsAddress, transport: Transport, name: string, type: 'A' | 'SRV') {
  const options = { dns: server.dns.address, port: server.dns.port, timeout: 3_000 }
  const client = transport === 'udp' ? DNS.UDPClient(options) : DNS.TCPClient(options)
  return client(name, type)
}

/** Addresses of a name, sorted. */
export async function addresses(server: DnsAddress, transport: Transport, name: string): Promise<string[]> {
  const { answers } = await resolve(server, transport, name, 'A')
  return answers
    .flatMap(record => ('address' in record && typeof record.address === 'string' ? [record.address] : []))
    .sort()
}

/** Targets and ports of a service's name. */
export async function services(server: DnsAddress, transport: Transport, name: string): Promise<SrvTarget[]> {
  const { answers } = await resolve(server, transport, name, 'SRV')
  return answers.flatMap(record => {
    const { target, port } = record as { target?: unknown; port?: unknown }
    return typeof target === 'string' && typeof port === 'number' ? [{ target, port }] : []
  })
}
