import { request } from 'undici'
import type { AskDns } from './find-service.ts'

const mostBytes = 1024 * 1024

/** SRV questions over the HTTP API of the cluster's DNS (admin router contract, 2, step 3): connect and read within 3 s. */
export function createAskDns(dns: string, domain = 'mesos'): AskDns {
  return async normal => {
    const name = `_${normal}._tcp.marathon.${domain}`
    const answer = await request(`${dns}/v1/services/${encodeURIComponent(name)}.`, {
      headers: { 'user-agent': 'Master Admin Router' },
      headersTimeout: 3_000,
      bodyTimeout: 3_000,
    })
    if (answer.statusCode !== 200) {
      await answer.body.dump()
      throw new Error(`DNS answered ${answer.statusCode}`)
    }
    const text = await answer.body.text()
    if (text.length > mostBytes) throw new Error('the answer of DNS is too large')
    const [first] = JSON.parse(text) as { ip?: string; port?: string }[]
    const port = Number(first?.port)
    return first?.ip && Number.isInteger(port) && port > 0 ? { host: first.ip, port } : undefined
  }
}
