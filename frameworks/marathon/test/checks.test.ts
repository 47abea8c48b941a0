import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '@meseta/common/service/clock'
import t from 'tap'
import { Prober } from '../src/shell/probe.ts'

t.test('a check may wait for an answer for as long as a definition can say', async t => {
  const server = createServer((_request, response) => response.end('fine'))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const prober = new Prober(systemClock)
  t.teardown(async () => {
    await prober.close()
    server.close()
  })
  const longest = (2 ** 31 - 1) * 1000
  t.equal(await prober.checkHttp(`http://127.0.0.1:${port}/`, longest), undefined)
  t.equal(await prober.checkTcp('127.0.0.1', port, longest), undefined)
})

t.test('who does not answer in time is not alive', async t => {
  const server = createServer(() => {})
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const prober = new Prober(systemClock)
  t.teardown(async () => {
    await prober.close()
    server.closeAllConnections()
    server.close()
  })
  t.match(await prober.checkHttp(`http://127.0.0.1:${port}/`, 20), /timed out/)
})
