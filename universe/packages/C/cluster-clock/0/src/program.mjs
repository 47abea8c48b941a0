// The time of the machine that runs this task, streamed to every page that is open.
import { broadcast, eventStream, onStop, page, serveHttp, setting } from '../../../../lib/service.mjs'

const interval = setting('CLOCK_INTERVAL_MS', 250, 50, 10_000)
const started = Date.now()
let sent = 0

const now = () => ({ now: Date.now(), uptime: Date.now() - started, sent })

const body = `
<h1>Cluster clock</h1><p class="big" id="time">–</p><p id="date" class="quiet"></p>
<table><tbody><tr><th>Running for</th><td id="uptime"></td></tr><tr><th>Ticks sent</th><td id="sent"></td></tr><tr><th>This browser is ahead by</th><td id="ahead"></td></tr></tbody></table>`

const script = `
const byId = id => document.getElementById(id)
new EventSource('events').onmessage = event => {
  const tick = JSON.parse(event.data)
  const time = new Date(tick.now)
  byId('time').textContent = time.toLocaleTimeString()
  byId('date').textContent = time.toLocaleDateString(undefined, { dateStyle: 'full' })
  byId('uptime').textContent = Math.round(tick.uptime / 1000) + ' s'
  byId('sent').textContent = tick.sent
  byId('ahead').textContent = (Date.now() - tick.now) + ' ms'
}`

const html = page('cluster-clock', body, script)

serveHttp({
  'GET /': () => html,
  'GET /now': () => now(),
  'GET /events': (request, response) => eventStream(request, response, now()),
})
const ticking = setInterval(() => {
  sent += 1
  broadcast(now())
}, interval)
onStop(() => clearInterval(ticking))
