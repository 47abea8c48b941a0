import type { OfferOperation, Operation, OperationStatus, Resource } from '@meseta/common/protocol/mesos'
import { Resources } from '@meseta/common/resources/resources'
import { HeartBench } from './heart-bench.ts'
import { reserved } from './volumes.ts'

export const capabilities = (['MULTI_ROLE', 'RESERVATION_REFINEMENT', 'SHARED_RESOURCES'] as const).map(type => ({
  type,
}))

export const reserve = (...resources: Resource[]): OfferOperation => ({ type: 'RESERVE', reserve: { resources } })
export const unreserve = (...resources: Resource[]): OfferOperation => ({ type: 'UNRESERVE', unreserve: { resources } })
export const create = (...volumes: Resource[]): OfferOperation => ({ type: 'CREATE', create: { volumes } })
export const destroy = (...volumes: Resource[]): OfferOperation => ({ type: 'DESTROY', destroy: { volumes } })
export const grow = (old: Resource, addition: Resource): OfferOperation => ({
  type: 'GROW_VOLUME',
  grow_volume: { volume: old, addition },
})
export const shrink = (old: Resource, by: number): OfferOperation => ({
  type: 'SHRINK_VOLUME',
  shrink_volume: { volume: old, subtract: { value: by } },
})
export const [disk100] = reserved('disk:100') as [Resource]
export const mount: NonNullable<Resource['disk']> = { source: { type: 'MOUNT', mount: { root: '/mnt' } } }

/** An agent and a framework in the role r, with its offers taken. */
export function setUp(given: { principal?: string; resources?: string; framework?: object; agent?: object } = {}) {
  const bench = new HeartBench()
  const agentId = bench.agent('l1', { resources: given.resources ?? 'cpus:4;mem:1024;disk:1000', ...given.agent })
  const info = { roles: ['r'], capabilities, ...(given.principal ? { principal: given.principal } : {}) }
  const framework = bench.framework({ ...info, ...given.framework })
  const agent = bench.heart.cluster.agents.get(agentId)!
  const offers = () => {
    const there = bench.offers(framework.stream)
    bench.forgetEffects()
    return there
  }
  /** Operations on all that is offered now. */
  const accept = (...operations: OfferOperation[]) => {
    const mine = [...bench.heart.cluster.offers.values()].filter(({ frameworkId }) => frameworkId === framework.id)
    bench.forgetEffects()
    bench.call(framework, {
      type: 'ACCEPT',
      accept: { offer_ids: mine.map(({ id }) => ({ value: id })), operations, filters: { refuse_seconds: 0 } },
    })
    bench.pass(1)
  }
  const statuses = (): OperationStatus[] =>
    bench.events(framework.stream).flatMap(({ update_operation_status: update }) => update?.status ?? [])
  /** The operations that the agent was told of since the last look, as it answers them. */
  const told = (state: OperationStatus['state'] = 'OPERATION_FINISHED', link = 'l1'): Operation[] =>
    bench
      .sent(link)
      .flatMap(message => message.apply_operation ?? [])
      .map(({ uuid, framework_id, info }) => ({
        uuid,
        info,
        ...(framework_id ? { framework_id } : {}),
        latest_status: {
          state,
          // One status of each operation: any uuid of its own will do.
          uuid: { value: Buffer.from(uuid.value, 'base64').reverse().toString('base64') },
          ...(info.id ? { operation_id: info.id } : {}),
        },
      }))
  const say = (operation: Operation, link = 'l1') => bench.fromAgent(link, { operation_update: { operation } })
  const acknowledge = ({ operation_id, uuid, agent_id }: OperationStatus) =>
    bench.call(framework, {
      type: 'ACKNOWLEDGE_OPERATION_STATUS',
      acknowledge_operation_status: { agent_id: agent_id!, operation_id: operation_id!, uuid: uuid!.value },
    })
  const has = (...resources: Resource[]) => agent.total.contains(Resources.from(resources))
  return { bench, framework, agent, agentId, offers, accept, statuses, told, say, acknowledge, has }
}
