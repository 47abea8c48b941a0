import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { askAll } from '../src/health/system-health.ts'
import { createAskDns } from '../src/services/ask-dns.ts'

async function answering(t: Test, answer: (url: string, response: ServerResponse) => void): Promise<string> {
  const server = createServer((request, response) => answer(request.url!, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  t.teardown(() => server.closeAllConnections())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Writes for ever, until nobody listens. */
function withoutEnd(response: ServerResponse): void {
  const chunk = Buffer.alloc(64 * 1024, ' ')
  const more = () => {
    while (!response.destroyed && response.write(chunk));
  }
  response.on('drain', more)
  more()
}

t.test('DNS: the first record, none, and the answers that are no answer', async t => {
  const asked: string[] = []
  const answers: Record<string, (response: ServerResponse) => void> = {
    good: response => response.end('[{"ip":"127.0.0.9","port":"9"},{"ip":"127.0.0.8","port":"8"}]'),
    none: response => response.end('[{"service":"","host":"","ip":"","port":""}]'),
    bad: response => response.writeHead(500).end('{}'),
    strange: response => response.end('<html>'),
    endless: withoutEnd,
    'endless-error': response => withoutEnd(response.writeHead(500)),
  }
  const url = await answering(t, (path, response) => {
    asked.push(path)
    answers[/_([\w-]+)\./.exec(path)![1]!]!(response)
  })
  const ask = createAskDns(url)
  t.same(await ask('good'), { host: '127.0.0.9', port: 9 })
  t.equal(asked[0], '/v1/services/_good._tcp.marathon.mesos.')
  t.equal(await ask('none'), undefined)
  await t.rejects(ask('bad'), /500/)
  await t.rejects(ask('strange'))
  await t.rejects(ask('endless'), /too large/)
  await t.rejects(ask('endless-error'), /500/)
})

t.test('health: what a component says is read no further than it is shown', async t => {
  const url = await answering(t, (_path, response) => withoutEnd(response.writeHead(503)))
  const [unit] = await askAll([{ id: 'x', name: 'X', url }])
  t.equal(unit!.health, 1)
  t.equal(unit!.output.length, 4096)
})

t.test('health: many components are asked in turns, and answer in their order', async t => {
  let now = 0
  let most = 0
  const url = await answering(t, (path, response) => {
    now += 1
    most = Math.max(most, now)
    setImmediate(() => {
      now -= 1
      response.writeHead(path.includes('/7/') ? 503 : 200).end()
    })
  })
  const asked = Array.from({ length: 1_000 }, (_, i) => ({ id: `${i}`, name: '', url: `${url}/${i}/` }))
  const units = await askAll(asked)
  t.same(
    units.map(({ id }) => id),
    asked.map(({ id }) => id),
  )
  t.same(
    units.filter(({ health }) => health !== 0).map(({ id }) => id),
    ['7'],
  )
  t.ok(most <= 256)
})
