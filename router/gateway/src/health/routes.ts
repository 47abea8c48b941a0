import { HttpError } from '@meseta/common/service/errors'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { notYet } from '../routes/errors.ts'
import { type Asked, askAll, type Unit } from './system-health.ts'

export interface SystemHealthContext {
  components(): readonly Asked[]
  readonly ip: string
  readonly hostname: string
  readonly version: string
}

const base = '/system/health/v1'
const brief = ({ id, name, health, description }: Unit) => ({ id, name, health, description })

/** Health of the cluster's components in the shapes of the original's diagnostics (operations contract, 6). One node: this machine. */
export function addSystemHealth(app: FastifyInstance, context: SystemHealthContext): void {
  /** Those who want all at the same time are answered by one round. */
  let round: Promise<Unit[]> | undefined
  const units = () => {
    round ??= askAll(context.components()).finally(() => {
      round = undefined
    })
    return round
  }
  const worst = (all: readonly Unit[]) => Math.max(0, ...all.map(({ health }) => health))
  /** Only the one that is wanted is asked. */
  const unitOf = async (request: FastifyRequest): Promise<Unit> => {
    const { id } = request.params as { id: string }
    const component = context.components().find(candidate => candidate.id === id)
    if (!component) throw new HttpError(404, `there is no unit ${id.slice(0, 100)}`)
    return (await askAll([component]))[0]!
  }
  const checkNode = (request: FastifyRequest) => {
    if ((request.params as { ip: string }).ip !== context.ip) throw new HttpError(404, 'there is no such node')
  }
  const onThisNode = { host_ip: context.ip, role: 'master' }
  const node = async () => ({ ...onThisNode, health: worst(await units()) })

  app.get(base, async () => ({
    units: await units(),
    hostname: context.hostname,
    ip: context.ip,
    dcos_version: context.version,
    node_role: 'master',
    mesos_id: '',
    dcos_diagnostics_version: context.version,
  }))
  app.get(`${base}/units`, async () => ({ units: (await units()).map(brief) }))
  app.get(`${base}/units/:id`, async request => brief(await unitOf(request)))
  app.get(`${base}/units/:id/nodes`, async request => {
    const { health } = await unitOf(request)
    return { nodes: [{ ...onThisNode, health }] }
  })
  app.get(`${base}/units/:id/nodes/:ip`, async request => {
    checkNode(request)
    const { health, output, help } = await unitOf(request)
    return { ...onThisNode, health, output, help }
  })
  app.get(`${base}/nodes`, async () => ({ nodes: [await node()] }))
  app.get(`${base}/nodes/:ip`, async request => {
    checkNode(request)
    return node()
  })
  app.get(`${base}/nodes/:ip/units`, async request => {
    checkNode(request)
    return { units: (await units()).map(brief) }
  })
  app.get(`${base}/nodes/:ip/units/:id`, async request => {
    checkNode(request)
    return unitOf(request)
  })
  for (const path of ['/report*', '/logs*', '/diagnostics*']) {
    app.all(`${base}${path}`, async request => {
      throw notYet(request.url.slice(0, 100))
    })
  }
}
