// What every program of the built-in catalog does in the same way. The build puts it in front of each one (see README.md).
import { mkdirSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'

const env = process.env

/** Who this is, in a form short enough for a page. */
export const instance = {
  task: env.MESOS_TASK_ID ?? 'local',
  name: (env.MESOS_TASK_ID ?? 'local').replace(/^.*\.(?:instance-)?([0-9a-f]{8}).*$/, '$1'),
  host: env.HOST ?? '127.0.0.1',
  port: Number(env.PORT0 ?? 0),
  version: env.MARATHON_APP_VERSION ?? '',
}

/** A whole number from the environment, within bounds. */
export function setting(name, fallback, least, most) {
  const value = Number(env[name] ?? fallback)
  return Number.isFinite(value) ? Math.min(most, Math.max(least, value)) : fallback
}

/** The folder for what this task keeps: its sandbox. */
export function dataFolder() {
  const folder = `${env.MESOS_SANDBOX ?? process.cwd()}/data`
  mkdirSync(folder, { recursive: true })
  return folder
}

/** On a machine that keeps to itself (an agent at 127.0.0.x) so do its tasks: nobody else can reach them. */
function addresses() {
  const { host } = instance
  if (host !== 'localhost' && !host.startsWith('127.')) return ['0.0.0.0']
  return [...new Set(['127.0.0.1', host === 'localhost' ? '127.0.0.1' : host])]
}

const drainTime = 1000
const stopTime = 4000
let stopping = false
const ends = []

/** Called when the task is asked to end. */
export function onStop(end) {
  ends.push(end)
}

/**
 * Listens on the task's first port. When asked to end it goes on for a second, so that who has not heard yet is still served, takes
 * no more connections after that, finishes what it has begun, and ends.
 */
function listen(make) {
  const servers = addresses().map(address => {
    const server = make()
    server.on('error', error => {
      console.error(`can not listen on ${address}:${instance.port}: ${error.message}`)
      process.exit(1)
    })
    server.maxConnections = 2000
    server.listen(instance.port, address, () => console.log(`listening on ${address}:${server.address().port}`))
    return server
  })
  const stop = signal => {
    if (stopping) return
    stopping = true
    console.log(`${signal}: finishing`)
    for (const end of ends) end()
    setTimeout(() => {
      for (const server of servers) {
        server.close()
        server.closeIdleConnections?.()
      }
    }, drainTime)
    setTimeout(() => process.exit(0), stopTime).unref()
  }
  process.once('SIGTERM', () => stop('SIGTERM'))
  process.once('SIGINT', () => stop('SIGINT'))
}

/** Serves TCP: `connected` gets each socket. */
export function serveTcp(connected) {
  listen(() =>
    createTcpServer(socket => {
      socket.on('error', () => socket.destroy())
      connected(socket)
    }),
  )
}

/**
 * Serves HTTP. `routes` maps `METHOD /path` to `(request, response, url)`; a path that ends in `*` takes what begins so. What it
 * answers is sent: text, or an object as JSON. A thrown `{status, message}` is the client's mistake.
 */
export function serveHttp(routes) {
  const all = { 'GET /health': () => 'ok\n', ...routes }
  listen(() => {
    const server = createHttpServer((request, response) => void answer(all, request, response))
    server.requestTimeout = 10_000
    // Who holds connections for longer than we do never meets a closed one.
    server.keepAliveTimeout = 600_000
    return server
  })
}

async function answer(routes, request, response) {
  try {
    const url = new URL(request.url, 'http://service')
    const method = request.method === 'HEAD' ? 'GET' : request.method
    const route = find(routes, method, url.pathname)
    if (stopping) response.setHeader('connection', 'close')
    if (!route) throw refusal(404, `there is no ${method} ${url.pathname.slice(0, 200)} here`)
    const body = await route(request, response, url)
    if (body === undefined) return
    const isText = typeof body === 'string'
    if (!response.hasHeader('content-type')) {
      const page = isText && body.startsWith('<!doctype')
      response.setHeader(
        'content-type',
        page ? 'text/html; charset=utf-8' : isText ? 'text/plain; charset=utf-8' : 'application/json',
      )
    }
    response.end(isText ? body : `${JSON.stringify(body)}\n`)
  } catch (error) {
    if (!error.status) console.error(error)
    if (response.headersSent) return response.destroy()
    response.writeHead(error.status ?? 500, { 'content-type': 'application/json' })
    response.end(`${JSON.stringify({ message: error.status ? error.message : 'internal error' })}\n`)
  }
}

function find(routes, method, path) {
  const exact = routes[`${method} ${path}`]
  if (exact) return exact
  const prefix = Object.keys(routes).find(key => key.endsWith('*') && `${method} ${path}`.startsWith(key.slice(0, -1)))
  return prefix && routes[prefix]
}

export function refusal(status, message) {
  return Object.assign(new Error(message), { status })
}

/** The body of a request as text, at most `limit` bytes of it. */
export async function readBody(request, limit = 64 * 1024) {
  const chunks = []
  let length = 0
  for await (const chunk of request) {
    length += chunk.length
    if (length > limit) throw refusal(413, `the body is larger than ${limit} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const readers = new Set()

/** Turns an answer into a stream of events; `broadcast` writes to all of them. At most 200 at a time; slow ones are let go. */
export function eventStream(request, response, first) {
  if (readers.size >= 200) throw refusal(503, 'too many readers')
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  })
  response.write(`data: ${JSON.stringify(first)}\n\n`)
  readers.add(response)
  request.on('close', () => readers.delete(response))
  response.on('error', () => readers.delete(response))
}

export function broadcast(value) {
  const text = `data: ${JSON.stringify(value)}\n\n`
  for (const reader of readers) {
    if (reader.writableLength > 256 * 1024) reader.destroy()
    else reader.write(text)
  }
}

onStop(() => {
  for (const reader of readers) reader.end()
})

/** Text as it may stand in HTML. */
export function escapeHtml(text) {
  return text.replace(/[&<>"]/g, char => `&#${char.charCodeAt(0)};`)
}

/** A page: title, body and script, in the one style that these programs share. It asks for nothing from anywhere else. */
export function page(title, body, script) {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><link rel="icon" href="data:,">
<style>
:root { color-scheme: light dark; --accent: #b4532a; --soft: #8883; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } .quiet { opacity: .7; }
code, td, th { font-variant-numeric: tabular-nums; } table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--soft); overflow-wrap: anywhere; }
button, input, textarea { font: inherit; padding: .4rem .8rem; border: 1px solid var(--soft); border-radius: .4rem; }
button { background: var(--accent); color: #fff; border-color: transparent; cursor: pointer; }
.big { font-size: 2.5rem; font-weight: 600; } .bar { height: 1rem; background: var(--accent); border-radius: .2rem; min-width: 2px; }
.row { display: flex; gap: .5rem; flex-wrap: wrap; align-items: center; margin: 1rem 0; } .grow { flex: 1; min-width: 8rem; }
</style></head><body>${body}
<p class="quiet">Served by task <code>${instance.task.replace(/[^\w.-]/g, '')}</code> at ${instance.host.replace(/[^\w.:-]/g, '')}:${instance.port}.</p>
<script>${script}</script></body></html>
`
}
