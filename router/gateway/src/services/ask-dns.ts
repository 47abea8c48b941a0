import { request } from 'undici'
import { firstBytes } from '../first-bytes.ts'
import type { AskDns } from './find-service.ts'

const mostBytes = 1024 * 1024

/** The contract's 2 s to connect and 3 s to read, together. */
const patience = 5_000

/** SRV questions over the HTTP API of the cluster's DNS (admin router contract, 2, step 3). */
export function createAskDns(dns: string, domain = 'mesos'): AskDns {
  return async normal => {
    const name = `_${normal}._tcp.marathon.${domain}`
    const { statusCode, body } = await request(`${dns}/v1/services/${encodeURIComponent(name)}.`, {
      headers: { 'user-agent': 'Master Admin Router' },
      signal: AbortSignal.timeout(patience),
    })
    const bytes = await firstBytes(body, mostBytes + 1)
    if (statusCode !== 200) throw new Error(`DNS answered ${statusCode}`)
    if (bytes.length > mostBytes) throw new Error('the answer of DNS is too large')
    const [first] = JSON.parse(bytes.toString()) as { ip?: string; port?: string }[]
    const port = Number(first?.port)
    return first?.ip && Number.isInteger(port) && port > 0 ? { host: first.ip, port } : undefined
  }
}
