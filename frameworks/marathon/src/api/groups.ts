import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { notFound, Refusal } from '../core/errors.ts'
import { isBelow, type PathId, resolvePath, segmentsOf } from '../core/paths.ts'
import { appView, readEmbeds } from '../core/view/app.ts'
import { groupView, readGroupEmbeds } from '../core/view/group.ts'
import type { Leader } from '../shell/leader.ts'
import { allOf, bodyOf, clientOf, flagOf, idOf } from './query.ts'
import { announce, sendResult } from './result.ts'

/** /v2/groups and all below (contract 2 and 7). */
export function addGroupRoutes(app: FastifyInstance, leader: () => Leader): void {
  const pathOf = (request: FastifyRequest): string =>
    ((request.params as Record<string, string>)['*'] ?? '').replace(/^\/+|\/+$/g, '')
  for (const url of ['/v2/groups', '/v2/groups/*']) {
    app.get(url, request => readGroups(leader(), pathOf(request), request))
    app.post(url, (request, reply) => changeGroup(leader(), pathOf(request), request, reply, 'create'))
    app.put(url, (request, reply) => changeGroup(leader(), pathOf(request), request, reply, 'update'))
    app.delete(url, async (request, reply) => {
      const change = { kind: 'delete-group', id: idOrRoot(pathOf(request)) } as const
      return sendResult(
        reply,
        await leader().change(change, { force: flagOf(request, 'force'), client: clientOf(request) }),
      )
    })
    app.patch(url, (request, reply) => enforceRole(leader(), pathOf(request), request, reply))
  }
}

const idOrRoot = (path: string): PathId => (path === '' ? '/' : idOf(path))

function readGroups(leader: Leader, path: string, request: FastifyRequest): unknown {
  const asked = allOf(request, 'embed')
  const appEmbeds = readEmbeds(asked.filter(one => one !== 'group.apps'))
  const embeds = readGroupEmbeds(asked, appEmbeds)
  const match = /^(.*?)\/?(apps|versions)(?:\/([^/]+))?$/.exec(path)
  const { state } = leader
  if (match !== null && !state.root.groups.has(resolvePath(path))) {
    const id = idOrRoot(match[1] ?? '')
    if (!state.root.groups.has(id)) throw notFound('Group', id)
    if (match[2] === 'apps')
      return [...state.root.services.values()].flatMap(one =>
        one.kind === 'app' && isBelow(one.spec.id, id) ? [appView(state, one, appEmbeds, leader.now)] : [],
      )
    if (match[3] === undefined) return rootVersions(leader)
    const past = state.history.root(match[3])
    if (past === undefined || !past.groups.has(id)) throw notFound('Group', id, match[3].slice(0, 100))
    return groupView(state, past, id, embeds, leader.now)
  }
  const id = idOrRoot(path)
  if (!state.root.groups.has(id)) throw notFound('Group', id)
  return groupView(state, state.root, id, embeds, leader.now)
}

/** The versions of the root that are kept, newest first. */
function rootVersions(leader: Leader): string[] {
  return leader.state.log.map(entry => entry.version).reverse()
}

async function changeGroup(
  leader: Leader,
  path: string,
  request: FastifyRequest,
  reply: FastifyReply,
  mode: 'create' | 'update',
): Promise<unknown> {
  const id = idOrRoot(path)
  const dryRun = mode === 'update' && flagOf(request, 'dryRun')
  const done = await leader.change(
    { kind: 'group', id, body: bodyOf(request), mode },
    { force: flagOf(request, 'force'), dryRun, client: clientOf(request) },
  )
  if (dryRun) return { steps: done.steps }
  if (mode === 'create') reply.header('Location', groupOfBody(request.body, id))
  return sendResult(reply, done, mode === 'create' ? 201 : 200)
}

const groupOfBody = (body: unknown, base: PathId): string => {
  const id = (body as { id?: unknown } | undefined)?.id
  return typeof id === 'string' ? (id.startsWith('/') ? id : `${base === '/' ? '' : base}/${id}`) : base
}

async function enforceRole(
  leader: Leader,
  path: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const id = idOrRoot(path)
  const { enforceRole } = bodyOf(request) as { enforceRole?: unknown }
  if (typeof enforceRole !== 'boolean')
    throw new Refusal(422, 'Invalid JSON', {
      details: [
        {
          path: '/enforceRole',
          errors: [enforceRole === undefined ? 'error.path.missing' : 'error.expected.jsboolean'],
        },
      ],
    })
  if (segmentsOf(id).length !== 1) throw new Refusal(422, 'enforceRole can only be changed on top-level groups')
  const done = await leader.change(
    { kind: 'enforce-role', id, enforceRole },
    { force: false, client: clientOf(request) },
  )
  announce(reply, done)
  return reply.code(200).send()
}
