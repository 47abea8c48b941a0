import { HttpError } from '@meseta/common/service/errors'
import type { FastifyInstance } from 'fastify'
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
  const units = () => askAll(context.components())
  const worst = (all: readonly Unit[]) => Math.max(0, ...all.map(({ health }) => health))
  const find = async (id: string) => {
    const unit = (await units()).find(candidate => candidate.id === id)
    if (!unit) throw new HttpError(404, `there is no unit ${id.slice(0, 100)}`)
    return unit
  }
  const node = async () => ({ host_ip: context.ip, health: worst(await units()), role: 'master' })

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
  app.get(`${base}/units/:id`, async request => brief(await find((request.params as { id: string }).id)))
  app.get(`${base}/units/:id/nodes`, async request => {
    const unit = await find((request.params as { id: string }).id)
    return { nodes: [{ host_ip: context.ip, health: unit.health, role: 'master' }] }
  })
  app.get(`${base}/nodes`, async () => ({ nodes: [await node()] }))
  app.get(`${base}/nodes/:ip`, async request => {
    if ((request.params as { ip: string }).ip !== context.ip) throw new HttpError(404, 'there is no such node')
    return node()
  })
  app.get(`${base}/nodes/:ip/units`, async request => {
    if ((request.params as { ip: string }).ip !== context.ip) throw new HttpError(404, 'there is no such node')
    return { units: (await units()).map(brief) }
  })
  app.get(`${base}/*`, async request => {
    throw new HttpError(501, `${request.url.slice(0, 100)} is not supported yet`)
  })
}
