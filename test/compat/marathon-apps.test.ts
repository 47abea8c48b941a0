import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { bootCluster } from '../src/support/boot.ts'
import { streamEvents } from '../src/support/events.ts'
import { until } from '../src/support/until.ts'

t.setTimeout(110_000)

// Real public app, pod and group files, sent as they are to where their kind says (Marathon contract, 2 to 8).
const folder = fileURLToPath(new URL('../data/marathon-apps/', import.meta.url))

/** What each file is answered, and for a refusal the field that is named. */
const table: Readonly<Record<string, readonly [path: string, status: number, names?: RegExp]>> = {
  '01': ['apps', 422, /'cmd' or 'args'/],
  '03': ['pods', 422, /healthCheck\/timeoutSeconds/],
  '05': ['apps', 201],
  '07': ['apps', 201],
  '09': ['apps', 201],
  '11': ['apps', 201],
  '13': ['apps', 201],
  '15': ['groups', 201],
  '17': ['pods', 201],
  '19': ['apps', 201],
  '21': ['apps', 422, /acceptedResourceRoles/],
  '23': ['groups', 201],
  '25': ['apps', 201],
  '27': ['apps', 422, /acceptedResourceRoles/],
  '29': ['apps', 201],
  '31': ['pods', 201],
  '33': ['apps', 201],
  '35': ['apps', 201],
  '37': ['apps', 201],
  '39': ['apps', 422, /"\/run"/],
}

interface Feed {
  readonly apps: Map<string, { instances: number; tasksRunning: number; lastTaskFailure?: { message: string } }>
  readonly waits: Map<string, { code: string; sentence: string }>
}

async function snapshot(router: string): Promise<Feed> {
  const feed: Feed = { apps: new Map(), waits: new Map() }
  const leave = new AbortController()
  for await (const { event, data } of streamEvents(`${router}/meseta/v1/events?topics=app,wait`, leave.signal)) {
    if (event === 'synced') break
    if (event !== 'app' && event !== 'wait') continue
    const { key, body } = JSON.parse(data) as { key: string; body: never }
    if (event === 'app') feed.apps.set(key, body)
    else feed.waits.set(key, body)
  }
  leave.abort()
  return feed
}

t.test('real app files get what the contract says, and what can not run here says why', async t => {
  const booted = await bootCluster(t)
  const { router } = booted.cluster()
  const files = readdirSync(folder).filter(name => name.endsWith('.json'))
  t.equal(files.length, Object.keys(table).length)
  for (const file of files) {
    const [path, status, names] = table[file.slice(0, 2)]!
    const answer = await fetch(`${router}/marathon/v2/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: readFileSync(`${folder}${file}`),
    })
    const text = await answer.text()
    t.equal(answer.status, status, `${file}: ${text.slice(0, 200)}`)
    if (names) t.match(text, names, `${file} names what is refused`)
  }
  await until(
    'each app runs, or says in a sentence why not',
    async () => {
      const { apps, waits } = await snapshot(router)
      const silent = [...apps].filter(
        ([id, app]) => app.tasksRunning < app.instances && !waits.get(id)?.sentence && !app.lastTaskFailure?.message,
      )
      return apps.size > 0 && silent.length === 0
    },
    30_000,
    500,
  )
  const { apps, waits } = await until('a task with an image has failed', async () => {
    const feed = await snapshot(router)
    return [...feed.apps.values()].some(({ lastTaskFailure }) => /image/.test(lastTaskFailure?.message ?? '')) && feed
  })
  t.ok(apps.size > 0)
  await until('the sleepers run', async () => {
    const { apps: now } = await snapshot(router)
    return now.get('/sleep-group/sleep/goodnight-1')?.tasksRunning === 1
  })
  t.match(waits.get('/beer/elasticsearch')?.sentence ?? apps.get('/beer/elasticsearch')?.lastTaskFailure?.message, /\S/)
})
