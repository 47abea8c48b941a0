import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCoordination } from '@meseta/common/coordination/open'
import type { Store } from '@meseta/common/coordination/store'
import { systemClock } from '@meseta/common/service/clock'
import type { Context, Handle } from '@meseta/common/service/component'
import { parseFlags } from '@meseta/common/service/parse-flags'
import { systemRandom } from '@meseta/common/service/random'
import pino from 'pino'
import { Registry } from 'prom-client'
import type { Test } from 'tap'
import { component } from '../src/component.ts'
import type { JsonObject } from '../src/render/json.ts'

/** A request that a scripted server got. */
export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export type Script = (seen: Seen, response: ServerResponse) => unknown

/** An HTTP server that answers by a script and remembers what it was asked. */
export class Scripted {
  readonly seen: Seen[] = []
  readonly #server: Server
  script: Script

  constructor(script: Script) {
    this.script = script
    this.#server = createServer(async (incoming, response) => {
      let body = ''
      for await (const chunk of incoming) body += chunk
      const seen = { method: incoming.method ?? '', url: incoming.url ?? '', headers: incoming.headers, body }
      this.seen.push(seen)
      this.script(seen, response)
    })
  }

  async listen(t: Test): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    t.teardown(() => this.close())
    const { port } = this.#server.address() as { port: number }
    return `http://127.0.0.1:${port}`
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

export function sendJson(response: ServerResponse, status: number, body: unknown, headers: object = {}): unknown {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  return response.end(JSON.stringify(body))
}

/** A Marathon with apps in memory: what we call of it, and its feed. */
export class FakeMarathon extends Scripted {
  readonly apps = new Map<string, JsonObject>()
  readonly groups = new Map<string, JsonObject>()
  readonly #followers = new Set<ServerResponse>()
  #seq = 0
  /** The next matching call gets this instead. */
  failing: { readonly matches: string; readonly status: number; readonly body: unknown } | undefined

  constructor() {
    super(() => undefined)
    this.script = (seen, response) => this.#answer(seen, response)
  }

  #answer(seen: Seen, response: ServerResponse): unknown {
    const { pathname } = new URL(seen.url, 'http://marathon')
    const { failing } = this
    if (failing && `${seen.method} ${pathname}`.startsWith(failing.matches)) {
      this.failing = undefined
      return sendJson(response, failing.status, failing.body)
    }
    if (pathname === '/meseta/v1/feed') return this.#follow(response)
    if (pathname === '/v2/deployments') return sendJson(response, 200, [])
    if (pathname === '/v2/apps' && seen.method === 'GET')
      return sendJson(response, 200, { apps: [...this.apps.values()] })
    if (seen.method === 'POST') return this.#create(pathname, JSON.parse(seen.body) as JsonObject, response)
    const id = pathname.replace(/^\/v2\/(apps|groups)/, '')
    if (pathname.startsWith('/v2/groups') && seen.method === 'DELETE') {
      for (const app of [...this.apps.keys()]) if (app.startsWith(`${id}/`)) this.remove(app)
      return sendJson(response, 200, { version: 'v', deploymentId: 'd' })
    }
    const app = this.apps.get(id)
    if (app === undefined) return sendJson(response, 404, { message: `App '${id}' does not exist` })
    if (seen.method === 'GET') return sendJson(response, 200, { app })
    if (seen.method === 'PUT') this.put({ ...(JSON.parse(seen.body) as JsonObject), id })
    else this.remove(id)
    return sendJson(response, 200, { version: 'v', deploymentId: 'deployment-1' })
  }

  #create(path: string, definition: JsonObject, response: ServerResponse): unknown {
    const id = String(definition.id).replace(/^\/?/, '/')
    if (this.apps.has(id)) return sendJson(response, 409, { message: `An app with id [${id}] already exists.` })
    if (path === '/v2/groups') {
      this.groups.set(id, definition)
      for (const app of definition.apps as JsonObject[]) this.put({ ...app, id: `${id}/${String(app.id)}` })
    } else this.put({ ...definition, id })
    return sendJson(response, 201, definition)
  }

  put(app: JsonObject): void {
    this.apps.set(String(app.id), app)
    this.#tell('put', String(app.id), app)
  }

  remove(id: string): void {
    this.apps.delete(id)
    this.#tell('del', id)
  }

  #follow(response: ServerResponse): unknown {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(`event: hello\ndata: {"epoch":"e","seq":${this.#seq}}\n\nevent: reset\ndata: {}\n\n`)
    for (const [id, app] of this.apps) response.write(this.#frame('put', id, app))
    response.write(`id: e.${this.#seq}\nevent: synced\ndata: {}\n\n`)
    this.#followers.add(response)
    return response.on('close', () => this.#followers.delete(response))
  }

  #frame(op: string, key: string, body?: JsonObject): string {
    return `id: e.${this.#seq}\nevent: app\ndata: ${JSON.stringify({ op, key, rev: this.#seq, at: 0, body })}\n\n`
  }

  #tell(op: string, key: string, body?: JsonObject): void {
    this.#seq += 1
    for (const follower of this.#followers) follower.write(this.#frame(op, key, body))
  }
}

export interface Universe {
  readonly url: string
  readonly store: Store
  readonly handle: Handle
  post(call: string, body: unknown, options?: PostOptions): Promise<Reply>
}

export interface PostOptions {
  readonly version?: string
  readonly headers?: Record<string, string | undefined>
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
  /** Empty when it is not JSON. */
  readonly body: Readonly<Record<string, unknown>>
}

/** Sends exactly these headers. */
export function send(
  method: string,
  url: string,
  headers: Record<string, string | undefined> = {},
  body?: string | Buffer,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined))
    const outgoing = request(
      url,
      { method, headers: given as Record<string, string>, agent: false },
      async response => {
        const chunks: Buffer[] = []
        for await (const chunk of response) chunks.push(chunk as Buffer)
        const text = Buffer.concat(chunks).toString()
        const isJson = /json/.test(response.headers['content-type'] ?? '')
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          body: isJson ? (JSON.parse(text) as Record<string, unknown>) : {},
        })
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

export function mediaTypes(call: string, version = 'v1'): { accept: string; 'content-type': string } {
  const name = call.replace(/^\//, '').replaceAll('/', '.')
  const type = (kind: string, v: string) => `application/vnd.dcos.${name}-${kind}+json;charset=utf-8;version=${v}`
  return { accept: type('response', version), 'content-type': type('request', 'v1') }
}

export interface UniverseOptions {
  readonly argv?: readonly string[]
  readonly store?: Store
}

/** The package manager in this process, on a store in a folder of its own. */
export async function startUniverse(t: Test, options: UniverseOptions = {}): Promise<Universe> {
  const log = pino({ level: 'silent' })
  const store = options.store ?? (await openStore(t))
  const flags = parseFlags(component.flags, { argv: ['--port=0', ...(options.argv ?? [])], env: {} })
  const context = {
    flags,
    clock: systemClock,
    random: systemRandom,
    log,
    metrics: new Registry(),
    store,
    fatal: (error: Error) => t.fail(error.message),
  } as unknown as Context<typeof flags>
  const handle = await component.start(context)
  t.teardown(() => handle.stop())
  const post = (call: string, body: unknown, { version, headers }: PostOptions = {}) =>
    send('POST', `${handle.url}${call}`, { ...mediaTypes(call, version), ...headers }, JSON.stringify(body))
  return { url: handle.url, store, handle, post }
}

export async function openStore(t: Test): Promise<Store> {
  const folder = await mkdtemp(join(tmpdir(), 'meseta-universe-store-'))
  const log = pino({ level: 'silent' })
  const coordination = await openCoordination(`embedded:${folder}`, { clock: systemClock, random: systemRandom, log })
  t.teardown(async () => {
    await coordination.close()
    await rm(folder, { recursive: true, force: true })
  })
  return coordination.store
}
