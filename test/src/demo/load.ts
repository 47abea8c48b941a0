import { Agent, get } from 'node:http'

/** What became of the requests to one address. */
export interface LoadCounts {
  sent: number
  answered: number
  failed: number
  /** By release of the instance that answered. */
  readonly releases: Record<string, number>
  readonly failures: string[]
}

/** Requests at a steady rate, none of them tried twice; at most this many wait for an answer. */
const mostInHand = 500

/**
 * Sends `rate` requests a second to a url until it is stopped. Nothing is retried: each request that is not answered with 200
 * is a failure. `keepAlive` says whether connections are used again: behind a layer-4 address a kept connection belongs to one
 * instance, and may end under a request when that instance does, whoever balances; so there each request has its own.
 */
export function startLoad(
  url: string,
  rate: number,
  keepAlive: boolean,
): { counts: LoadCounts; stop(): Promise<LoadCounts> } {
  const counts: LoadCounts = { sent: 0, answered: 0, failed: 0, releases: {}, failures: [] }
  const kept = new Agent({ keepAlive: true, maxSockets: 50 })
  let inHand = 0
  let done: (() => void) | undefined
  const over = () => {
    inHand -= 1
    if (inHand === 0) done?.()
  }
  const fail = (why: string) => {
    counts.failed += 1
    if (counts.failures.length < 10) counts.failures.push(why)
    over()
  }
  const send = () => {
    if (inHand >= mostInHand) return
    const agent = keepAlive ? kept : false
    counts.sent += 1
    inHand += 1
    const request = get(url, { agent, timeout: 5_000 }, response => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', chunk => {
        body += chunk
      })
      response.once('error', error => fail(`${error.message} in the answer`))
      response.once('end', () => {
        if (response.statusCode !== 200) return fail(`status ${response.statusCode}: ${body.slice(0, 200)}`)
        counts.answered += 1
        const release = (JSON.parse(body) as { release: string }).release
        counts.releases[release] = (counts.releases[release] ?? 0) + 1
        over()
      })
    })
    request.once('timeout', () => request.destroy(new Error('no answer within 5 s')))
    request.once('error', error => fail(error.message))
  }
  // Timers slip when the machine is busy: each tick sends what is due.
  const begun = performance.now()
  const timer = setInterval(() => {
    const due = ((performance.now() - begun) / 1000) * rate
    for (let sent = counts.sent; sent < due; sent += 1) send()
  }, 10)
  return {
    counts,
    async stop() {
      clearInterval(timer)
      if (inHand > 0) {
        await new Promise<void>(resolve => {
          done = resolve
        })
      }
      kept.destroy()
      return counts
    },
  }
}
