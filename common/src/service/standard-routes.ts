import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import { type FlagDefinitions, shownFlags } from './flags.ts'
import type { Health } from './health.ts'
import { mesetaVersion } from './version.ts'

/** The routes that every process answers. */
export type StandardRoute = 'health' | 'version' | 'flags' | 'metrics'

/** Adds those that the component does not serve itself. `degraded` is still 200: the process does its work. */
export function serveStandardRoutes(
  app: FastifyInstance,
  context: { readonly flags: object; readonly metrics: Registry },
  options: {
    readonly name: string
    readonly health: Health
    readonly flagDefinitions?: FlagDefinitions
    readonly own?: readonly StandardRoute[]
    readonly metricsText?: () => string
  },
): void {
  const serves = (route: StandardRoute) => !options.own?.includes(route)
  if (serves('health'))
    app.get('/health', async (_request, reply) => {
      const report = options.health.report()
      return reply.code(report.status === 'down' ? 503 : 200).send(report)
    })
  if (serves('version')) app.get('/version', async () => ({ name: options.name, version: mesetaVersion }))
  const definitions = options.flagDefinitions
  if (definitions && serves('flags'))
    app.get('/flags', async () => ({ flags: shownFlags(definitions, context.flags as Record<string, unknown>) }))
  if (serves('metrics'))
    app.get('/metrics', async (_request, reply) => {
      const text = (await context.metrics.metrics()) + (options.metricsText?.() ?? '')
      return reply.type(context.metrics.contentType).send(text)
    })
}
