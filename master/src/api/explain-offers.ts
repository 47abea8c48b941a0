import { setImmediate } from 'node:timers/promises'
import { excerpt } from '@meseta/common/protocol/excerpt'
import { HttpError } from '@meseta/common/service/errors'
import type { RoleExplanation, World } from '../allocator/reasons.ts'
import type { Cluster } from '../state/cluster.ts'
import type { Framework } from '../state/records.ts'
import { jsonAnswer } from './json-answer.ts'
import { told, type Words } from './offer-sentences.ts'
import { type ApiAnswer, type ApiRequest, json, refusal } from './transport.ts'

interface Question {
  readonly frameworkId: string
  readonly role?: string | undefined
  readonly agentId?: string | undefined
}

/**
 * Why a framework has been offered what it has: `GET /explain/offers?framework_id=…[&role=…][&agent_id=…]`, and the same as
 * `POST /api/v1/explain` with `{"type": "EXPLAIN_OFFERS", "explain_offers": {…}}`. Answered by the allocator's own books, on its thread.
 *
 * Rejects with an HttpError: what can not be answered.
 */
export async function explainOffers(cluster: Cluster, request: ApiRequest): Promise<ApiAnswer> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return refusal(405, 'Expecting GET', { allow: 'GET' })
  const query = new URLSearchParams(request.query)
  const frameworkId = query.get('framework_id')
  if (!frameworkId) throw new HttpError(400, "Missing 'framework_id' in the query: whose offers are asked about")
  const question = { frameworkId, role: query.get('role') ?? undefined, agentId: query.get('agent_id') ?? undefined }
  return jsonAnswer(request, JSON.stringify(await answerTo(cluster, question)))
}

/** The same in the form of a call of the v1 API; its enum of types is Mesos's and can not have it. */
export async function explainCall(cluster: Cluster, request: ApiRequest): Promise<ApiAnswer> {
  if (request.method !== 'POST') return refusal(405, 'Expecting POST', { allow: 'POST' })
  const call = parsed(request.body)
  if (call.type !== 'EXPLAIN_OFFERS') throw new HttpError(400, 'type: EXPLAIN_OFFERS is the only one there is')
  const { framework_id: framework, role, agent_id: agent } = fieldsOf(call.explain_offers)
  const frameworkId = idIn(framework)
  if (!frameworkId) throw new HttpError(400, 'explain_offers.framework_id.value: whose offers are asked about')
  if (role !== undefined && typeof role !== 'string') throw new HttpError(400, 'explain_offers.role: must be a string')
  const explained = await answerTo(cluster, { frameworkId, role, agentId: idIn(agent) })
  return json(JSON.stringify({ type: 'EXPLAIN_OFFERS', explain_offers: explained }))
}

function parsed(body: Uint8Array): Record<string, unknown> {
  try {
    return fieldsOf(JSON.parse(Buffer.from(body).toString('utf8')))
  } catch (error) {
    throw new HttpError(400, `Failed to parse body into JSON: ${(error as Error).message}`)
  }
}

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

function idIn(value: unknown): string | undefined {
  const id = fieldsOf(value).value
  return typeof id === 'string' && id !== '' ? id : undefined
}

async function answerTo(cluster: Cluster, { frameworkId, role, agentId }: Question): Promise<object> {
  const framework = cluster.frameworks.get(frameworkId)
  const roles = await inParts(cluster.allocator.explain(frameworkId, worldOf(cluster), { role, agentId }))
  if (!framework || !roles) throw new HttpError(404, `There is no framework ${excerpt(frameworkId)}`)
  if (agentId !== undefined && !cluster.agents.has(agentId)) throw new HttpError(404, absence(cluster, agentId))
  if (role !== undefined && roles.length === 0)
    throw new HttpError(404, `Framework ${frameworkId} has no role ${excerpt(role)}`)
  const words: Words = {
    secondsATick: cluster.config.allocationInterval / 1000,
    nameOf: id => cluster.frameworks.get(id)?.info.name ?? id,
  }
  return {
    framework_id: { value: frameworkId },
    name: framework.info.name,
    connected: framework.streamId !== undefined,
    outstanding_offers: framework.offers.size,
    cycles: cluster.allocator.runs,
    ...(agentId === undefined
      ? {}
      : { agent_id: { value: agentId }, hostname: cluster.agents.get(agentId)!.info.hostname }),
    roles: roles.map(one => explained(cluster, framework, one, words, agentId)),
  }
}

/** Lets other requests and the heart's steps have their turn between two parts. */
async function inParts<Value>(parts: Generator<void, Value>): Promise<Value> {
  for (;;) {
    const part = parts.next()
    if (part.done) return part.value
    await setImmediate()
  }
}

function explained(
  cluster: Cluster,
  framework: Framework,
  { role, share, weight, groups, omitted, agent }: RoleExplanation,
  words: Words,
  agentId: string | undefined,
): object {
  const standing = { role, share, weight, suppressed: framework.suppressed.has(role) }
  if (!agent)
    return {
      ...standing,
      reasons: groups.map(({ reason, agents, examples }) => ({
        ...told(reason, words),
        agents,
        examples: examples.map(value => ({ value })),
      })),
      omitted,
    }
  return {
    ...standing,
    reason: told(agent.reason, words),
    free: agent.free.toArray(),
    offers: [...cluster.agents.get(agentId!)!.offers].map(offer => ({
      offer_id: { value: offer.id },
      framework_id: { value: offer.frameworkId },
      role: offer.role,
      resources: offer.resources.toArray(),
    })),
  }
}

/** Why an agent of that id can not be asked about. */
function absence(cluster: Cluster, agentId: string): string {
  const id = excerpt(agentId)
  if (cluster.unreachable.has(agentId)) return `Agent ${id} is unreachable: nobody is offered it until it comes back`
  if (cluster.recovered.has(agentId)) return `Agent ${id} has not come back to this master yet`
  if (cluster.gone.has(agentId)) return `Agent ${id} was marked gone`
  return `There is no agent ${id}`
}

function worldOf(cluster: Cluster): World {
  return {
    offersOf: agentId => cluster.agents.get(agentId)?.offers ?? [],
    isConnected: agentId => cluster.agents.get(agentId)?.connected ?? false,
  }
}
