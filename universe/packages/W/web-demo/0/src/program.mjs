// A page that shows which instance answers, and spreads requests over all of them.
import { broadcast, escapeHtml, eventStream, instance, onStop, page, serveHttp } from '../../../../lib/service.mjs'

const started = Date.now()
const message = (process.env.DEMO_MESSAGE ?? 'Hello from Meseta').slice(0, 1000)
const color = /^#[0-9a-f]{6}$/i.test(process.env.DEMO_COLOR ?? '') ? process.env.DEMO_COLOR : '#b4532a'
let requests = 0

const state = () => ({ ...instance, message, requests, uptime: Math.round((Date.now() - started) / 1000) })
const body = `
<style>:root { --accent: ${color}; }</style>
<h1>${escapeHtml(message)}</h1>
<p>Instance <code>${instance.name.replace(/[^\w.-]/g, '')}</code> has answered <b id="requests">0</b> requests in <span id="uptime">0</span> s.</p>
<div class="row"><button id="ask">Send 50 requests</button><span id="note" class="quiet"></span></div>
<table><thead><tr><th>Instance</th><th>Where</th><th>Answers</th><th class="grow"></th></tr></thead><tbody id="rows"></tbody></table>`

const script = `
const byId = id => document.getElementById(id)
const counts = new Map()
new EventSource('events').onmessage = event => {
  const now = JSON.parse(event.data)
  byId('requests').textContent = now.requests
  byId('uptime').textContent = now.uptime
}
function draw() {
  const most = Math.max(...[...counts.values()].map(one => one.count))
  byId('rows').replaceChildren(...[...counts].sort().map(([name, one]) => {
    const row = document.createElement('tr')
    for (const text of [name, one.where, one.count]) row.insertCell().textContent = text
    const bar = row.insertCell().appendChild(document.createElement('div'))
    bar.className = 'bar'
    bar.style.width = 100 * one.count / most + '%'
    return row
  }))
}
byId('ask').onclick = async () => {
  byId('note').textContent = ''
  const began = performance.now()
  let failed = 0
  await Promise.all(Array.from({ length: 50 }, async () => {
    try {
      const answer = await (await fetch('whoami', { cache: 'no-store', credentials: 'omit' })).json()
      const one = counts.get(answer.name) ?? { where: answer.host + ':' + answer.port, count: 0 }
      counts.set(answer.name, { ...one, count: one.count + 1 })
    } catch { failed += 1 }
  }))
  byId('note').textContent = Math.round(performance.now() - began) + ' ms, ' + failed + ' failed'
  draw()
}`

const html = page('web-demo', body, script)

serveHttp({
  'GET /': () => {
    requests += 1
    return html
  },
  'GET /whoami': () => {
    requests += 1
    return state()
  },
  // For tests of slow answers: waits up to ten seconds and counts as in flight.
  'GET /slow': async (_request, _response, url) => {
    requests += 1
    const wait = Math.min(10_000, Math.max(0, Number(url.searchParams.get('ms')) || 0))
    await new Promise(resolve => setTimeout(resolve, wait))
    return state()
  },
  'GET /events': (request, response) => eventStream(request, response, state()),
})
const ticking = setInterval(() => broadcast(state()), 1000)
onStop(() => clearInterval(ticking))
