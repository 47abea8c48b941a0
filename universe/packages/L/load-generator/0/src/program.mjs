// Sends requests to another service at a steady rate, and shows how long they take.
import { lookup, Resolver } from 'node:dns/promises'
import http from 'node:http'
import { isIP } from 'node:net'
import {
  broadcast,
  eventStream,
  onStop,
  page,
  readBody,
  refusal,
  serveHttp,
  setting,
} from '../../../../lib/service.mjs'

const target = new URL(process.env.LOAD_TARGET ?? 'http://web-demo.marathon.l4lb.thisdcos.directory:9080/whoami')
const servers = (process.env.LOAD_DNS ?? '127.0.0.1:53,127.0.0.1:61053').split(',').filter(Boolean).slice(0, 4)
const timeout = setting('LOAD_TIMEOUT_MS', 5000, 100, 30_000)
const maxInFlight = 64
let rate = setting('LOAD_RATE', 20, 0, 500)

const agent = new http.Agent({ keepAlive: true, maxSockets: maxInFlight })
const totals = { sent: 0, ok: 0, failed: 0, skipped: 0 }
const latest = []
let inFlight = 0
let problem = ''

/** The cluster's own name server first, then the machine's. */
async function resolve(name) {
  if (isIP(name)) return name
  for (const server of servers) {
    try {
      const resolver = new Resolver({ timeout: 1000, tries: 1 })
      resolver.setServers([server])
      const [address] = await resolver.resolve4(name)
      if (address) return address
    } catch {
      // The next one may know.
    }
  }
  return (await lookup(name, 4)).address
}

let address
let resolvedAt = 0
async function whereTo() {
  if (address === undefined || Date.now() - resolvedAt > 5000) {
    resolvedAt = Date.now()
    address = await resolve(target.hostname)
  }
  return address
}

function send(host) {
  return new Promise((done, fail) => {
    const options = {
      agent,
      host,
      port: target.port || 80,
      path: target.pathname + target.search,
      timeout,
      headers: { host: target.host },
    }
    const request = http.get(options, response => {
      response.resume()
      response.on('error', fail)
      response.on('end', () => (response.statusCode < 400 ? done() : fail(new Error(`status ${response.statusCode}`))))
    })
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeout} ms`)))
    request.on('error', fail)
  })
}

async function one() {
  // More than this in flight means that the target is slower than the rate: those are counted, not queued.
  if (inFlight >= maxInFlight) {
    totals.skipped += 1
    return
  }
  inFlight += 1
  totals.sent += 1
  try {
    const host = await whereTo()
    const began = performance.now()
    await send(host)
    latest.push(performance.now() - began)
    if (latest.length > 2000) latest.shift()
    totals.ok += 1
    problem = ''
  } catch (error) {
    totals.failed += 1
    problem = String(error.message || error.code).slice(0, 200)
    address = undefined
  } finally {
    inFlight -= 1
  }
}

function state() {
  const sorted = latest.toSorted((a, b) => a - b)
  const at = part =>
    sorted.length === 0
      ? null
      : Math.round(100 * sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]) / 100
  return {
    target: target.href,
    rate,
    inFlight,
    ...totals,
    problem,
    latency: { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) },
  }
}

let owed = 0
const sending = setInterval(() => {
  owed = Math.min(owed + rate / 50, 50)
  while (owed >= 1) {
    owed -= 1
    void one()
  }
}, 20)
const telling = setInterval(() => broadcast(state()), 1000)
onStop(() => {
  clearInterval(sending)
  clearInterval(telling)
  agent.destroy()
})

const body = `
<h1>Load generator</h1><p class="quiet" id="target"></p><p><span class="big" id="p50">–</span> ms in the middle</p>
<table><tbody><tr><th>90 % within</th><td id="p90"></td></tr><tr><th>99 % within</th><td id="p99"></td></tr><tr><th>Slowest</th><td id="max"></td></tr><tr><th>Sent</th><td id="sent"></td></tr>
<tr><th>Failed</th><td id="failed"></td></tr><tr><th>Left out, too many in flight</th><td id="skipped"></td></tr></tbody></table><p id="problem"></p>
<div class="row"><label>Requests per second <input id="rate" type="number" min="0" max="500"></label><button id="set">Set</button></div>`

const script = `
const byId = id => document.getElementById(id)
let touched = false
byId('rate').oninput = () => { touched = true }
new EventSource('events').onmessage = event => {
  const now = JSON.parse(event.data)
  for (const id of ['target', 'sent', 'failed', 'skipped', 'problem']) byId(id).textContent = now[id]
  for (const id of ['p50', 'p90', 'p99', 'max']) byId(id).textContent = now.latency[id] ?? '–'
  if (!touched) byId('rate').value = now.rate
}
byId('set').onclick = async () => {
  await fetch('rate', { method: 'POST', body: byId('rate').value })
  touched = false
}`

const html = page('load-generator', body, script)

serveHttp({
  'GET /': () => html,
  'GET /state': () => state(),
  'GET /events': (request, response) => eventStream(request, response, state()),
  'POST /rate': async request => {
    const wanted = Number(await readBody(request, 100))
    if (!Number.isFinite(wanted)) throw refusal(400, 'the body must be a number of requests per second')
    rate = Math.min(500, Math.max(0, wanted))
    broadcast(state())
    return state()
  },
})
