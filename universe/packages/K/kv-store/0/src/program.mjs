// A key-value store over HTTP. Every change is on disk, in the task's sandbox, before it is answered.
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { broadcast, dataFolder, eventStream, page, readBody, refusal, serveHttp } from '../../../../lib/service.mjs'

const maxKeys = 10_000
const maxKey = 512
const maxValue = 64 * 1024
/** The log is written anew when it holds many more changes than there are keys. */
const minCompaction = 10_000

const path = `${dataFolder()}/store.log`
const values = new Map()
let changes = 0

const encode = (key, value) => `${JSON.stringify(value === undefined ? [key] : [key, value])}\n`

function load() {
  if (!existsSync(path)) return
  const text = readFileSync(path, 'utf8')
  const lines = text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .slice(0, -1)
  for (const line of lines) {
    const [key, value] = JSON.parse(line)
    if (value === undefined) values.delete(key)
    else values.set(key, value)
  }
  changes = lines.length
  // A line that a crash cut short was never answered: it goes.
  rewrite()
}

function rewrite() {
  const fresh = openSync(`${path}.new`, 'w')
  for (const [key, value] of values) writeSync(fresh, encode(key, value))
  fsyncSync(fresh)
  closeSync(fresh)
  renameSync(`${path}.new`, path)
  changes = values.size
}

load()
let log = openSync(path, 'a')

function change(key, value) {
  writeSync(log, encode(key, value))
  fsyncSync(log)
  if (value === undefined) values.delete(key)
  else values.set(key, value)
  changes += 1
  if (changes > minCompaction && changes > 4 * values.size) {
    closeSync(log)
    rewrite()
    log = openSync(path, 'a')
  }
  broadcast({ keys: values.size, key, value })
}

function keyOf(url) {
  let key
  try {
    key = decodeURIComponent(url.pathname.slice('/kv/'.length))
  } catch {
    throw refusal(400, 'the key is not well escaped')
  }
  if (key === '' || Buffer.byteLength(key) > maxKey) throw refusal(400, `a key has 1 to ${maxKey} bytes`)
  return key
}

const body = `
<h1>Key-value store</h1><p><b id="count">0</b> keys. <span class="quiet">From a program: <code>PUT</code>, <code>GET</code>, <code>DELETE kv/&lt;key&gt;</code>, <code>GET kv/?prefix=</code>.</span></p>
<form class="row" id="form"><input id="key" placeholder="key" required maxlength="${maxKey}" aria-label="key"><input id="value" class="grow" placeholder="value" aria-label="value"><button>Put</button></form>
<table><thead><tr><th>Key</th><th>Value</th><th></th></tr></thead><tbody id="rows"></tbody></table>`

const script = `
const byId = id => document.getElementById(id)
const at = key => 'kv/' + encodeURIComponent(key)
const values = new Map()
function draw() {
  byId('rows').replaceChildren(...[...values].sort().slice(0, 200).map(([key, value]) => {
    const row = document.createElement('tr')
    row.insertCell().textContent = key
    row.insertCell().textContent = value
    const remove = row.insertCell().appendChild(document.createElement('button'))
    remove.textContent = 'Delete'
    remove.onclick = () => fetch(at(key), { method: 'DELETE' })
    return row
  }))
}
byId('form').onsubmit = event => {
  event.preventDefault()
  fetch(at(byId('key').value), { method: 'PUT', body: byId('value').value })
}
const load = async () => {
  const { keys } = await (await fetch('kv/?values=true')).json()
  values.clear()
  for (const { key, value } of keys) values.set(key, value)
  byId('count').textContent = values.size
  draw()
}
const events = new EventSource('events')
events.onopen = load
events.onmessage = event => {
  const { keys, key, value } = JSON.parse(event.data)
  byId('count').textContent = keys
  if (key === undefined) return
  if (value === undefined) values.delete(key)
  else values.set(key, value)
  draw()
}`

const html = page('kv-store', body, script)

serveHttp({
  'GET /': () => html,
  'GET /events': (request, response) => eventStream(request, response, { keys: values.size }),
  'GET /kv/': (_request, _response, url) => {
    const prefix = url.searchParams.get('prefix') ?? ''
    const keys = [...values.keys()]
      .filter(key => key.startsWith(prefix))
      .sort()
      .slice(0, 1000)
    return url.searchParams.has('values') ? { keys: keys.map(key => ({ key, value: values.get(key) })) } : { keys }
  },
  'GET /kv/*': (_request, response, url) => {
    const value = values.get(keyOf(url))
    if (value === undefined) throw refusal(404, 'there is no such key')
    response.setHeader('content-type', 'text/plain; charset=utf-8')
    return value
  },
  'PUT /kv/*': async (request, _response, url) => {
    const key = keyOf(url)
    const value = await readBody(request, maxValue)
    if (!values.has(key) && values.size >= maxKeys) throw refusal(507, `there are ${maxKeys} keys already`)
    change(key, value)
    return { key, bytes: Buffer.byteLength(value) }
  },
  'DELETE /kv/*': (_request, _response, url) => {
    const key = keyOf(url)
    const existed = values.has(key)
    if (existed) change(key, undefined)
    return { key, deleted: existed }
  },
})
