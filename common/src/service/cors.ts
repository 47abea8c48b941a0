import type { FastifyInstance } from 'fastify'
import { defineFlags } from './flags.ts'

/** Of masters and agents: pages of other servers that may call them (Mesos contract 3). */
export const corsFlags = defineFlags({
  http_cors_allowed_origins: {
    type: 'list',
    default: [],
    help: 'Web pages of these origins may call it: https://host:port, joined by commas.',
  },
})

/** Throws an Error that names the flag where one of them is no origin: what browsers send has no path and no final slash. */
export function checkOrigins(origins: readonly string[]): void {
  for (const origin of origins)
    if (!/^https?:\/\//.test(origin) || !URL.canParse(origin) || new URL(origin).origin !== origin)
      throw new Error(`--http-cors-allowed-origins: '${origin}' is no origin such as https://ui.example.com:8443`)
}

/**
 * Tells browsers that pages of these origins may read the answers, and answers their questions beforehand, which carry no
 * credentials. To be added before all other hooks: refusals are answers, too.
 */
export function allowOrigins(app: FastifyInstance, origins: readonly string[]): void {
  const allowed = new Set(origins)
  app.addHook('onRequest', (request, reply, done) => {
    const { origin } = request.headers
    if (origin === undefined || !allowed.has(origin)) {
      done()
      return
    }
    reply.headers({
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'Mesos-Stream-Id',
      vary: 'Origin',
    })
    const asksFor = request.headers['access-control-request-method']
    if (request.method !== 'OPTIONS' || (asksFor !== 'GET' && asksFor !== 'POST')) done()
    else
      reply
        .headers({
          'access-control-allow-methods': 'GET, POST, OPTIONS',
          'access-control-allow-headers': 'Authorization, Content-Type, Accept, Mesos-Stream-Id',
        })
        .send()
  })
}
