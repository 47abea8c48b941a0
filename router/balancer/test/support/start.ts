import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCoordination } from '@meseta/common/coordination/open'
import { systemClock } from '@meseta/common/service/clock'
import type { Context } from '@meseta/common/service/component'
import { createLogger } from '@meseta/common/service/logger'
import { createRegistry } from '@meseta/common/service/metrics'
import { parseFlags } from '@meseta/common/service/parse-flags'
import { systemRandom } from '@meseta/common/service/random'
import { absent } from '@meseta/common/service/run'
import { component } from '../../src/component.ts'
import type { BalancerFlags } from '../../src/flags.ts'

/** A feed whose frames the test writes by hand. */
export async function scriptedFeed() {
  let seq = 0
  let epoch = 1
  const state = new Map<string, [kind: string, key: string, body: unknown]>()
  const readers = new Set<ServerResponse>()
  const frame = (event: string, data: unknown) =>
    `id: e${epoch}.${seq}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(frame('hello', { epoch: `e${epoch}`, seq }) + frame('reset', {}))
    for (const [kind, key, body] of state.values()) response.write(frame(kind, { op: 'put', key, rev: 1, at: 1, body }))
    response.write(frame('synced', {}))
    readers.add(response)
    response.on('close', () => readers.delete(response))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const send = (kind: string, data: object) => {
    seq += 1
    for (const reader of readers) reader.write(frame(kind, { rev: seq, at: 1, ...data }))
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    put(kind: string, key: string, body: unknown) {
      state.set(`${kind} ${key}`, [kind, key, body])
      send(kind, { op: 'put', key, body })
    },
    del(kind: string, key: string) {
      state.delete(`${kind} ${key}`)
      send(kind, { op: 'del', key })
    },
    restart() {
      epoch += 1
      state.clear()
      for (const reader of readers) reader.destroy()
    },
    async close() {
      for (const reader of readers) reader.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
export type ScriptedFeed = Awaited<ReturnType<typeof scriptedFeed>>

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

/** A folder for the store, and a way to start the balancer on it, again and again. */
export async function home() {
  const folder = await mkdtemp(join(tmpdir(), 'meseta-balancer-'))
  const log = createLogger({ name: 'balancer', level: 'fatal' })
  return {
    async start(argv: readonly string[]) {
      const shared = { clock: systemClock, random: systemRandom, log }
      const coordination = await openCoordination(`embedded:${folder}`, shared)
      const flags = parseFlags(component.flags, { argv: ['--port=0', ...argv], env: {} }) as BalancerFlags
      const context: Context<BalancerFlags> = {
        ...shared,
        flags,
        metrics: createRegistry(),
        store: coordination.store,
        election: coordination.election,
        bus: absent('bus'),
        fatal: error => {
          throw error
        },
      }
      const handle = await component.start(context)
      return {
        url: handle.url,
        async stop() {
          await handle.stop()
          await coordination.close()
        },
      }
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

export interface ShownVip {
  readonly vip: string
  readonly protocol: string
  readonly backend: readonly { ip: string; port: number; weight: number }[]
  readonly address: string
  readonly listen: { address: string; port: number }
  readonly error?: string
}

export async function vipsOf(url: string): Promise<ShownVip[]> {
  const response = await fetch(`${url}/v1/vips`)
  return response.status === 200 ? ((await response.json()) as ShownVip[]) : []
}

export const agent = { id: 'S0', hostname: '127.0.0.1', pid: 'slave(1)@127.0.0.1:5051', port: 5051 }

export function task(id: string, vip: string, port: number, extra: Record<string, unknown> = {}, protocol = 'tcp') {
  return {
    id,
    name: 'api',
    framework_id: 'F1',
    framework_name: 'marathon',
    slave_id: 'S0',
    state: 'TASK_RUNNING',
    statuses: [
      {
        state: 'TASK_RUNNING',
        timestamp: 1,
        container_status: { network_infos: [{ ip_addresses: [{ ip_address: '127.0.0.1' }] }] },
      },
    ],
    discovery: {
      name: 'api',
      ports: { ports: [{ number: port, protocol, labels: { labels: [{ key: 'VIP_0', value: vip }] } }] },
    },
    ...extra,
  }
}
