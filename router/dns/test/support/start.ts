import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '@meseta/common/service/clock'
import type { Context } from '@meseta/common/service/component'
import { createLogger } from '@meseta/common/service/logger'
import { createRegistry } from '@meseta/common/service/metrics'
import { parseFlags } from '@meseta/common/service/parse-flags'
import { systemRandom } from '@meseta/common/service/random'
import { absent } from '@meseta/common/service/run'
import { component } from '../../src/component.ts'
import type { DnsFlags } from '../../src/settings.ts'

/** A feed whose frames the test writes by hand. */
export async function scriptedFeed() {
  let epoch = 'e1'
  let seq = 0
  const state = new Map<string, unknown>()
  const readers = new Set<ServerResponse>()
  const frame = (event: string, data: unknown, id = '') =>
    `${id && `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
  const split = (name: string) => [name.slice(0, name.indexOf(' ')), name.slice(name.indexOf(' ') + 1)] as const
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(frame('hello', { epoch, seq }) + frame('reset', {}))
    for (const [name, body] of state) {
      const [kind, key] = split(name)
      response.write(frame(kind, { op: 'put', key, rev: 1, at: 1, body }, `${epoch}.${seq}`))
    }
    response.write(frame('synced', {}, `${epoch}.${seq}`))
    readers.add(response)
    response.on('close', () => readers.delete(response))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const send = (kind: string, data: object) => {
    seq += 1
    for (const reader of readers) reader.write(frame(kind, { rev: seq, at: 1, ...data }, `${epoch}.${seq}`))
  }
  return {
    url: `http://127.0.0.1:${port}`,
    put(kind: string, key: string, body: unknown) {
      state.set(`${kind} ${key}`, body)
      send(kind, { op: 'put', key, body })
    },
    del(kind: string, key: string) {
      state.delete(`${kind} ${key}`)
      send(kind, { op: 'del', key })
    },
    /** A new leader with another state: the readers are cut off and come back. */
    restart(bodies: Record<string, unknown>) {
      epoch = `e${Number(epoch.slice(1)) + 1}`
      seq = 0
      state.clear()
      for (const [name, body] of Object.entries(bodies)) state.set(name, body)
      for (const reader of readers) reader.destroy()
    },
    get readers() {
      return readers.size
    },
    async close() {
      for (const reader of readers) reader.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Waits until the check holds; fails after some seconds with what was seen last. */
export async function until<Seen>(
  look: () => Promise<Seen> | Seen,
  holds: (seen: Seen) => boolean,
  limit = 8_000,
): Promise<Seen> {
  const deadline = performance.now() + limit
  for (;;) {
    const seen = await look()
    if (holds(seen)) return seen
    if (performance.now() > deadline) throw new Error(`not so within ${limit} ms; last seen: ${JSON.stringify(seen)}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

/** Starts the component as its process would. */
export async function startDns(argv: readonly string[]) {
  const flags = parseFlags(component.flags, {
    argv: [
      ...(argv.some(flag => flag.startsWith('--mesos-dns-config')) ? [] : ['--port=0']),
      ...(argv.some(flag => flag.startsWith('--dns-port')) ? [] : ['--dns-port=0']),
      ...argv,
    ],
    env: {},
  }) as DnsFlags
  const context: Context<DnsFlags> = {
    flags,
    clock: systemClock,
    random: systemRandom,
    log: createLogger({ name: 'dns', level: 'fatal' }),
    metrics: createRegistry(),
    store: absent('store'),
    election: absent('election'),
    bus: absent('bus'),
    fatal: error => {
      throw error
    },
  }
  const handle = await component.start(context)
  const place = handle.endpoints?.dns ?? ''
  return {
    handle,
    url: handle.url,
    place,
    port: Number(place.slice(place.lastIndexOf(':') + 1)),
    metrics: context.metrics,
  }
}

export const cluster = (id: string, ip = '127.0.0.1') => ({
  name: 'test',
  leader_info: { id, hostname: ip, port: 5050, pid: `master@${ip}:5050` },
  masters: [`${ip}:5050`],
  elected_time: 1,
})

export const agent = (id: string, ip: string) => ({ id, hostname: ip, pid: `slave(1)@${ip}:5051`, port: 5051 })

export function task(id: string, name: string, ip: string, extra: Record<string, unknown> = {}) {
  return {
    id,
    name,
    framework_id: 'F1',
    framework_name: 'marathon',
    slave_id: 'M-S0',
    state: 'TASK_RUNNING',
    resources: { ports: '[31000-31000]' },
    statuses: [
      {
        state: 'TASK_RUNNING',
        timestamp: 1,
        container_status: { network_infos: [{ ip_addresses: [{ ip_address: ip }] }] },
      },
    ],
    ...extra,
  }
}
