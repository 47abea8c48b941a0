import { get } from 'node:http'

/** JSON of a successful answer; anything else is an error that quotes it. */
export async function json<Body>(url: string, init: RequestInit = {}): Promise<Body> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000), ...init })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${init.method ?? 'GET'} ${url} answered ${answer.status}: ${text.slice(0, 500)}`)
  return (text === '' ? {} : JSON.parse(text)) as Body
}

/** Sends JSON. */
export function send<Body>(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', url: string, body?: unknown): Promise<Body> {
  return json<Body>(url, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

/** JSON over a connection of its own: behind a layer-4 address a kept connection always meets the same instance. */
export function jsonOnOwnConnection<Body>(url: string, limit = 5_000): Promise<Body> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: limit }, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', chunk => {
        text += chunk
      })
      response.once('error', reject)
      response.once('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(text) as Body)
        else reject(new Error(`GET ${url} answered ${response.statusCode}: ${text.slice(0, 300)}`))
      })
    })
    request.once('timeout', () => request.destroy(new Error(`GET ${url} was not answered within ${limit / 1000} s`)))
    request.once('error', reject)
  })
}
