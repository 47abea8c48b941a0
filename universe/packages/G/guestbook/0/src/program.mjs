// A book in which visitors write. Entries are on disk, in the task's sandbox, before they are shown.
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import {
  broadcast,
  dataFolder,
  escapeHtml,
  eventStream,
  page,
  readBody,
  refusal,
  serveHttp,
} from '../../../../lib/service.mjs'

const maxEntries = 1000
const title = (process.env.BOOK_TITLE ?? 'Guestbook').slice(0, 200)
const path = `${dataFolder()}/entries.jsonl`
const entries = []
if (existsSync(path)) {
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    try {
      entries.push(JSON.parse(line))
    } catch {
      // The last line of a crash, or the empty one at the end.
    }
  }
}

async function write(request) {
  let given
  try {
    given = JSON.parse(await readBody(request, 16 * 1024))
  } catch (error) {
    throw error.status ? error : refusal(400, 'the body must be JSON')
  }
  const name =
    String(given?.name ?? '')
      .trim()
      .slice(0, 100) || 'Somebody'
  const text = String(given?.text ?? '')
    .trim()
    .slice(0, 2000)
  if (text === '') throw refusal(400, 'text: an entry needs some')
  if (entries.length >= maxEntries) throw refusal(507, `the book is full: it has ${maxEntries} entries`)
  const entry = { at: new Date().toISOString(), name, text }
  appendFileSync(path, `${JSON.stringify(entry)}\n`, { flush: true })
  entries.push(entry)
  broadcast({ entries: [entry] })
  return entry
}

const body = `
<h1>${escapeHtml(title)}</h1>
<form id="form"><div class="row"><input id="name" placeholder="Your name" maxlength="100" aria-label="Your name"></div>
<div class="row"><textarea id="text" class="grow" rows="3" placeholder="What do you want to say?" required maxlength="2000" aria-label="Entry"></textarea></div><button>Write</button></form>
<div id="entries"></div>`

const script = `
const byId = id => document.getElementById(id)
new EventSource('events').onmessage = event => {
  const { entries, first } = JSON.parse(event.data)
  if (first) byId('entries').replaceChildren()
  for (const entry of entries) {
    const block = document.createElement('p')
    const head = block.appendChild(document.createElement('b'))
    head.textContent = entry.name
    const when = block.appendChild(document.createElement('span'))
    when.className = 'quiet'
    when.textContent = ' ' + new Date(entry.at).toLocaleString()
    block.appendChild(document.createElement('br'))
    block.append(entry.text)
    byId('entries').prepend(block)
  }
}
byId('form').onsubmit = async event => {
  event.preventDefault()
  const answer = await fetch('entries', { method: 'POST', body: JSON.stringify({ name: byId('name').value, text: byId('text').value }) })
  if (answer.ok) byId('text').value = ''
  else alert((await answer.json()).message)
}`

const html = page('guestbook', body, script)

serveHttp({
  'GET /': () => html,
  'GET /entries': () => ({ entries }),
  'POST /entries': request => write(request),
  'GET /events': (request, response) => eventStream(request, response, { entries: entries.slice(-100), first: true }),
})
