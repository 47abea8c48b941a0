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
