import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { notFound, Refusal } from '../core/errors.ts'
import type { PodService } from '../core/model.ts'
import type { PathId } from '../core/paths.ts'
import { podInstance, podStatus, podView } from '../core/view/pod.ts'
import type { Leader } from '../shell/leader.ts'
import { bodyOf, clientOf, flagOf, idOf } from './query.ts'
import { announce } from './result.ts'

const allPods = (leader: Leader): PodService[] =>
  [...leader.state.root.services.values()].filter(service => service.kind === 'pod')

function podOf(leader: Leader, id: PathId): PodService {
  const service = leader.state.root.services.get(id)
  if (service?.kind !== 'pod') throw notFound('Pod', id)
  return service
}

/** /v2/pods and all below (contract 8). */
export function addPodRoutes(app: FastifyInstance, leader: () => Leader): void {
  app.head('/v2/pods', async (_request, reply) => reply.code(200).send())
  app.get('/v2/pods', { exposeHeadRoute: false }, () => allPods(leader()).map(podView))
  app.post('/v2/pods', (request, reply) => changePod(leader(), undefined, request, reply))
  app.get('/v2/pods/*', request => readPod(leader(), request))
  app.put('/v2/pods/*', (request, reply) => changePod(leader(), idOf(pathOf(request)), request, reply))
  app.delete('/v2/pods/*', (request, reply) => deletePod(leader(), request, reply))
  // A colon that is no parameter is written twice.
  app.get('/v2/pods::::status', () => allPods(leader()).map(pod => podStatus(leader().state, pod)))
}

const pathOf = (request: FastifyRequest): string =>
  ((request.params as Record<string, string>)['*'] ?? '').replace(/^\/+|\/+$/g, '')

function readPod(leader: Leader, request: FastifyRequest): unknown {
  const path = pathOf(request)
  if (path === '::status') return allPods(leader).map(pod => podStatus(leader.state, pod))
  const [id, rest] = split(path)
  const pod = podOf(leader, id)
  if (rest === undefined) return podView(pod)
  if (rest === 'status') return podStatus(leader.state, pod)
  if (rest === 'versions') return (leader.state.versions.get(id) ?? []).map(one => one.version).reverse()
  const version = /^versions\/([^/]+)$/.exec(rest)?.[1]
  if (version === undefined) throw new Refusal(404, 'URI not found')
  const stored = leader.state.history.service(id, version)
  if (stored?.kind !== 'pod') throw notFound('Pod', id, version.slice(0, 100))
  return podView(stored)
}

function split(path: string): [PathId, string | undefined] {
  const at = path.indexOf('::')
  return at === -1 ? [idOf(path), undefined] : [idOf(path.slice(0, at)), path.slice(at + 2)]
}

async function changePod(
  leader: Leader,
  id: PathId | undefined,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const body = bodyOf(request)
  const mode = id === undefined ? 'create' : 'update'
  const done = await leader.change(
    { kind: 'pod', body, mode, ...(id !== undefined && { id }) },
    { force: flagOf(request, 'force'), client: clientOf(request) },
  )
  announce(reply, done)
  const pod = podOf(leader, id ?? (done.created[0] as PathId))
  if (mode === 'create') reply.code(201).header('Location', pod.spec.id)
  return podView(pod)
}

async function deletePod(leader: Leader, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const [id, rest] = split(pathOf(request))
  if (rest !== undefined) return deleteInstances(leader, podOf(leader, id), rest, request)
  const done = await leader.change(
    { kind: 'delete', service: 'pod', id },
    { force: flagOf(request, 'force'), client: clientOf(request) },
  )
  announce(reply, done)
  return reply
    .code(202)
    .header('Location', done.deploymentId ?? '')
    .send()
}

async function deleteInstances(
  leader: Leader,
  pod: PodService,
  rest: string,
  request: FastifyRequest,
): Promise<unknown> {
  const one = /^instances\/([^/]+)$/.exec(rest)?.[1]
  if (one === undefined && rest !== 'instances') throw new Refusal(404, 'URI not found')
  const ids = one === undefined ? bodyOf(request) : [one]
  if (!Array.isArray(ids) || !ids.every((id): id is string => typeof id === 'string'))
    throw new Refusal(422, 'Invalid JSON', { details: [{ path: '/', errors: ['error.expected.jsarray'] }] })
  const found = ids
    .flatMap(id => leader.state.instances.get(id) ?? [])
    .filter(instance => instance.service === pod.spec.id)
  if (one !== undefined && found.length === 0)
    throw new Refusal(404, `pod instance '${one.slice(0, 200)}' does not exist`)
  const views = found.map(instance => podInstance(leader.state, pod, instance))
  await leader.kill(
    found.map(instance => instance.id),
    flagOf(request, 'wipe'),
  )
  return one === undefined ? views : views[0]
}
