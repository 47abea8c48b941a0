// A queue with a producer and consumers, each a process of its own that talks to the queue over HTTP.
import { spawn } from 'node:child_process'
import {
  broadcast,
  eventStream,
  instance,
  onStop,
  page,
  readBody,
  refusal,
  serveHttp,
  setting,
} from '../../../../lib/service.mjs'

const role = process.env.QUEUE_ROLE ?? 'broker'
const base = `http://127.0.0.1:${instance.port}`
const post = (path, value) => fetch(base + path, { method: 'POST', body: JSON.stringify(value) })
const pause = ms => new Promise(resolve => setTimeout(resolve, ms))

const html = page(
  'work-queue',
  `
<h1>Work queue</h1><p class="quiet">A producer puts jobs in, consumers take them out; each is a process of its own.</p>
<p><span class="big" id="finished">0</span> jobs per second</p>
<table><tbody><tr><th>Waiting</th><td id="waiting"></td></tr><tr><th>In work</th><td id="inWork"></td></tr><tr><th>Produced per second</th><td id="produced"></td></tr>
<tr><th>Finished in all</th><td id="total"></td></tr><tr><th>Given to another consumer</th><td id="returned"></td></tr></tbody></table>
<div class="row"><label>Consumers <input id="consumers" type="number" min="0" max="8"></label><label>Jobs per second <input id="rate" type="number" min="0" max="200"></label><button id="set">Set</button></div>`,
  `
const byId = id => document.getElementById(id)
let touched = false
for (const id of ['consumers', 'rate']) byId(id).oninput = () => { touched = true }
new EventSource('events').onmessage = event => {
  const now = JSON.parse(event.data)
  for (const id of ['waiting', 'inWork', 'returned']) byId(id).textContent = now[id]
  byId('finished').textContent = now.perSecond.finished
  byId('produced').textContent = now.perSecond.produced
  byId('total').textContent = now.finished
  if (!touched) for (const id of ['consumers', 'rate']) byId(id).value = now[id]
}
byId('set').onclick = async () => {
  await fetch('settings', { method: 'POST', body: JSON.stringify({ consumers: Number(byId('consumers').value), rate: Number(byId('rate').value) }) })
  touched = false
}`,
)

/** Puts jobs into the queue at the wanted rate, and waits while it is full. */
async function produce() {
  for (let id = 1; ; ) {
    const { rate } = await (await fetch(`${base}/state`)).json()
    if (rate > 0 && (await post('/jobs', { id, work: 1 + (id % 20) })).ok) id += 1
    await pause(rate > 0 ? 1000 / rate : 250)
  }
}

/** Takes a job (the answer comes when there is one), works, and says that it is done. */
async function consume() {
  for (;;) {
    const { lease, job } = await (await post('/take', { consumer: process.pid })).json()
    if (job === undefined) continue
    await pause(job.work * setting('QUEUE_WORK_MS', 5, 0, 1000))
    await post('/done', { lease })
  }
}

function serveQueue() {
  const maxJobs = 1000
  const leaseTime = 30_000
  const waiting = []
  const takers = []
  const leases = new Map()
  const children = new Map()
  const totals = { produced: 0, finished: 0, returned: 0 }
  let rate = setting('QUEUE_RATE', 20, 0, 200)
  let wanted = setting('QUEUE_CONSUMERS', 2, 0, 8)
  let last = { ...totals }
  let perSecond = { produced: 0, finished: 0 }
  let lastLease = 0
  let ending = false

  const state = () => ({ waiting: waiting.length, inWork: leases.size, consumers: wanted, rate, ...totals, perSecond })

  function start(name, as) {
    const child = spawn(process.execPath, [...process.execArgv, process.argv[1]], {
      env: { ...process.env, QUEUE_ROLE: as },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    children.set(name, child)
    child.on('exit', () => {
      if (ending || children.get(name) !== child) return
      children.delete(name)
      setTimeout(() => keepChildren(), 500)
    })
  }

  function keepChildren() {
    if (ending) return
    if (!children.has('producer')) start('producer', 'producer')
    for (let index = 0; index < 8; index += 1) {
      const name = `consumer ${index}`
      const child = children.get(name)
      if (index < wanted && !child) start(name, 'consumer')
      if (index >= wanted && child) {
        children.delete(name)
        child.kill()
      }
    }
  }

  function hand() {
    while (waiting.length > 0 && takers.length > 0) {
      const job = waiting.shift()
      lastLease += 1
      const lease = String(lastLease)
      leases.set(lease, { job, until: Date.now() + leaseTime })
      takers.shift()({ lease, job })
    }
  }

  async function read(request) {
    try {
      const value = JSON.parse(await readBody(request, 4096))
      if (typeof value === 'object' && value !== null) return value
    } catch (error) {
      if (error.status) throw error
    }
    throw refusal(400, 'the body must be a JSON object')
  }

  serveHttp({
    'GET /': () => html,
    'GET /state': () => state(),
    'GET /events': (request, response) => eventStream(request, response, state()),
    'POST /jobs': async request => {
      const job = await read(request)
      if (waiting.length >= maxJobs) throw refusal(429, `${maxJobs} jobs are waiting already`)
      waiting.push({ id: job.id, work: Math.min(100, Math.max(0, Number(job.work) || 0)) })
      totals.produced += 1
      hand()
      return { waiting: waiting.length }
    },
    'POST /take': (request, response) =>
      new Promise((resolve, reject) => {
        request.resume()
        if (takers.length >= 64) return reject(refusal(429, 'too many consumers wait'))
        const give = value => {
          clearTimeout(timer)
          resolve(value)
        }
        const leave = () => {
          const index = takers.indexOf(give)
          if (index >= 0) takers.splice(index, 1)
          give({})
        }
        const timer = setTimeout(leave, 5000)
        response.once('close', leave)
        takers.push(give)
        hand()
      }),
    'POST /done': async request => {
      const { lease } = await read(request)
      if (!leases.delete(String(lease))) throw refusal(404, 'there is no such lease')
      totals.finished += 1
      return {}
    },
    'POST /settings': async request => {
      const asked = await read(request)
      if (Number.isFinite(asked.rate)) rate = Math.min(200, Math.max(0, asked.rate))
      if (Number.isInteger(asked.consumers)) wanted = Math.min(8, Math.max(0, asked.consumers))
      keepChildren()
      broadcast(state())
      return state()
    },
  })

  const ticking = setInterval(() => {
    perSecond = { produced: totals.produced - last.produced, finished: totals.finished - last.finished }
    last = { ...totals }
    const now = Date.now()
    for (const [lease, { job, until }] of leases) {
      if (until > now) continue
      // Its consumer is gone: another one gets the job.
      leases.delete(lease)
      totals.returned += 1
      waiting.unshift(job)
    }
    hand()
    broadcast(state())
  }, 1000)
  onStop(() => {
    ending = true
    clearInterval(ticking)
    for (const child of children.values()) child.kill()
  })
  keepChildren()
}

if (role === 'producer') await produce()
else if (role === 'consumer') await consume()
else serveQueue()
