import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { send } from './support/fake-scheduler.ts'
import { Ground, getJson } from './support/process.ts'

// What a master answers about its own process: files and the log (Mesos contract 1.2, 3, 4).

const folder = await mkdtemp(join(tmpdir(), 'meseta-master-log-'))
t.teardown(() => rm(folder, { recursive: true }))
const path = join(folder, 'somebody.log')
const text = `first ä\n${'x'.repeat(70_000)}`
await writeFile(path, text)
const size = Buffer.byteLength(text)

const ground = new Ground()
t.teardown(() => ground.close())
const leader = await ground.leader(`--external_log_file=${path}`)
const follower = await ground.master(`--external-log-file=${path}`)
const bare = await ground.master()

const json = { 'content-type': 'application/json' }
const call = async (body: object) => {
  const { status, text } = await send(`${leader}/api/v1`, 'POST', json, JSON.stringify(body))
  return { status, text, json: text.startsWith('{') ? JSON.parse(text) : undefined }
}

t.test('the log is listed, read and downloaded, on masters that do not lead too', async t => {
  for (const url of [leader, follower, `${leader}/master`]) {
    const listed = await getJson<object[]>(`${url}/files/browse?path=/master/log`)
    t.match(listed, [{ path: '/master/log', size, nlink: 1, mode: /^-rw/, mtime: Number, uid: String, gid: String }])
    t.match(await getJson(`${url}/files/read?path=/master/log&offset=0&length=8`), { offset: 0, data: 'first ä' })
    const halved = await getJson(`${url}/files/read?path=/master/log&offset=0&length=7`)
    t.same(halved, { offset: 0, data: 'first ' }, 'the next read has the character whole')
    t.match(await getJson(`${url}/files/read.json?path=/master/log&offset=-1`), { offset: size, data: '' })
    t.match(await getJson(`${url}/files/read?path=/master/log`), { offset: size, data: '' })
    t.match(await getJson(`${url}/files/read?path=${path}&offset=${size - 2}`), { offset: size - 2, data: 'xx' })
    t.match(await getJson(`${url}/files/read?path=/master/log&offset=${size + 5}`), { offset: size + 5, data: '' })
    const { data } = await getJson<{ data: string }>(`${url}/files/read?path=/master/log&offset=9&length=-1`)
    t.equal(data.length, 65_536, 'one read gives at most 16 pages')
    const download = await send(`${url}/files/download?path=/master/log`, 'GET', {})
    t.match(download, {
      status: 200,
      text,
      headers: { 'content-length': `${size}`, 'content-disposition': /attachment/ },
    })
    t.same(await getJson(`${url}/files/debug`), { '/master/log': path })
  }
})

t.test('what is not there, and what is asked wrongly', async t => {
  for (const [query, status] of [
    ['browse', 400],
    ['browse?path=/etc/passwd', 404],
    ['browse?path=/master/log/../../etc/passwd', 404],
    ['browse?path=/master/log%00', 404],
    ['read?path=/master', 404],
    ['read?path=/master/log&offset=x', 400],
    ['read?path=/master/log&offset=-2', 400],
    ['read?path=/master/log&offset=0&length=1e3', 400],
    ['download', 400],
    ['download?path=/nothing', 404],
  ] as const)
    t.equal((await send(`${leader}/files/${query}`, 'GET', {})).status, status, query)
  t.equal((await send(`${bare}/files/read?path=/master/log`, 'GET', {})).status, 404, 'a master without a log file')
  t.match(await send(`${leader}/files/debug?jsonp=f`, 'GET', {}), { text: /^f\(\{.*\}\);$/ })
})

t.test('LIST_FILES, READ_FILE and READ_LOG', async t => {
  const data = Buffer.from('first').toString('base64')
  t.match((await call({ type: 'LIST_FILES', list_files: { path: '/master/log' } })).json, {
    list_files: { file_infos: [{ path: '/master/log', size, mtime: { nanoseconds: Number }, mode: Number }] },
  })
  const read = { path: '/master/log', offset: 0, length: 5 }
  t.match((await call({ type: 'READ_FILE', read_file: read })).json, { read_file: { size, data } })
  t.match((await call({ type: 'READ_FILE', read_file: { ...read, path: '/none' } })).status, 404)
  t.match((await call({ type: 'READ_FILE', read_file: { path: '/master/log' } })).status, 400)
  t.match((await call({ type: 'READ_LOG', read_log: { length: 5 } })).json, {
    type: 'READ_LOG',
    read_log: { size, data },
  })
  t.match((await call({ type: 'READ_LOG', read_log: { length: 0 } })).json, { read_log: { size, data: '' } })
  t.match((await call({ type: 'READ_LOG', read_log: { offset: size - 1 } })).json, { read_log: { size, data: 'eA==' } })
  t.match((await call({ type: 'READ_LOG' })).status, 400)
})

t.test('the level of the log changes for a while', async t => {
  const toggle = (url: string, query = '') => send(`${url}/logging/toggle${query}`, 'POST', {})
  for (const url of [leader, follower]) {
    t.match(await toggle(url), { status: 200, text: '0\n' })
    t.match(await toggle(url, '?level=2&duration=1days'), { status: 200, text: '' })
    t.match(await send(`${url}/logging/toggle`, 'GET', {}), { status: 200, text: '2\n' })
  }
  for (const [query, reason] of [
    ['?level=1', /duration=value/],
    ['?duration=1secs', /level=value/],
    ['?level=x&duration=1secs', /Invalid level/],
    ['?level=-1&duration=1secs', /Invalid level/],
    ['?level=1&duration=soon', /duration/],
  ] as const)
    t.match(await toggle(leader, query), { status: 400, text: reason }, query)
  t.match((await call({ type: 'GET_LOGGING_LEVEL' })).json, { get_logging_level: { level: 2 } })
  const duration = { nanoseconds: 3_600e9 }
  t.match(await call({ type: 'SET_LOGGING_LEVEL', set_logging_level: { level: 1, duration } }), {
    status: 200,
    text: '',
  })
  t.match((await call({ type: 'GET_LOGGING_LEVEL' })).json, { get_logging_level: { level: 1 } })
  t.equal((await call({ type: 'SET_LOGGING_LEVEL', set_logging_level: { level: 1 } })).status, 400)
  t.same(ground.fatal, [])
})
