import type { ReadSide } from '../replica/read-side.ts'
import { callOfForm, formMethods, formRoutes } from './legacy-forms.ts'
import { legacyReads } from './legacy-reads.ts'
import type { Operate, OperatorEndpoint } from './operator.ts'
import type { OwnProcess } from './own-process.ts'
import { ownRoutes } from './own-routes.ts'
import type { SchedulerEndpoint } from './scheduler.ts'
import {
  type ApiAnswer,
  type ApiReply,
  type ApiRequest,
  answerWith,
  empty,
  type ReadReply,
  refusal,
} from './transport.ts'

/** Who leads, as far as this process knows. */
export type Leadership =
  /** This process, once `api` is there; until then it reads the registry. */
  | { readonly state: 'leading'; readonly api: LeaderApi | undefined }
  /** Another one, at `host:port`. */
  | { readonly state: 'following'; readonly leader: string }
  | { readonly state: 'unknown' }

/** What only a leader answers. */
export interface LeaderApi {
  readonly scheduler: SchedulerEndpoint
  readonly operator: OperatorEndpoint
  readonly read: ReadSide
  /** Where it is: `host:port`. */
  readonly address: string
  readonly operate: Operate
  /** What the heart alone can tell, since only it decides. Each may reject with an HttpError. */
  readonly ask: Readonly<Record<AskedRoute, (request: ApiRequest) => Promise<ApiAnswer>>>
  /** Runs what handles several requests, so that the master takes their calls in one step. */
  readonly together: (action: () => void) => void
}

export const askedRoutes = ['/explain/offers', '/api/v1/explain'] as const
export type AskedRoute = (typeof askedRoutes)[number]

export interface RoutesOptions {
  readonly leadership: () => Leadership
  readonly own: OwnProcess
}

/** Every route, longest first: the longest one that begins the path answers (Mesos contract 1.1). */
const routes = [
  ...new Set([...Object.keys(legacyReads), ...formRoutes]),
  ...Object.keys(ownRoutes),
  ...askedRoutes,
  '/api/v1',
  '/api/v1/scheduler',
  '/redirect',
].sort((a, b) => b.length - a.length)

/** The route that a path means: without the prefix `/master` and the suffix `.json`, extra segments and slashes. */
export function routeOf(path: string): string | undefined {
  const bare = path.startsWith('/master/') ? path.slice('/master'.length) : path
  return routes.find(route => {
    if (!bare.startsWith(route)) return false
    const rest = bare.slice(route.length)
    return rest === '' || rest.startsWith('/') || /^\.json(?:\/|$)/.test(rest)
  })
}

/** For a person who opens the master itself, and for clients that tell HTTP from HTTPS by it (Mesos contract 1.1). */
const page = `<!doctype html><title>Meseta master</title><h1>Meseta master</h1>
<p>The cluster's page is served by the router. This master answers <a href="/state">/state</a>,
<a href="/state-summary">/state-summary</a>, <a href="/slaves">/slaves</a>, <a href="/frameworks">/frameworks</a>,
<a href="/tasks">/tasks</a>, <a href="/roles">/roles</a>, <a href="/metrics/snapshot">/metrics/snapshot</a>,
<a href="/flags">/flags</a> and <a href="/version">/version</a>.</p>
`

/** Every route of the master without its transport. */
export class Routes {
  readonly #options: RoutesOptions

  constructor(options: RoutesOptions) {
    this.#options = options
  }

  /** Runs an action that handles several requests; where this process leads, their calls are one step of the master. */
  together(action: () => void): void {
    const leadership = this.#options.leadership()
    if (leadership.state === 'leading' && leadership.api) leadership.api.together(action)
    else action()
  }

  /** @throws {HttpError} or rejects with one: what the answer is */
  handle(request: ApiRequest, reply: ReadReply): void | Promise<void> {
    if (['/', '/master', '/master/'].includes(request.path)) {
      reply.answer({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: page })
      return
    }
    const route = routeOf(request.path)
    if (route === undefined) {
      reply.answer(refusal(404, `there is no ${request.path.slice(0, 200)} here`))
      return
    }
    if (route === '/redirect' && !/^(?:\/master)?\/redirect\/?$/.test(request.path)) {
      reply.answer(refusal(404, '/redirect has nothing below it'))
      return
    }
    const own = ownRoutes[route]
    if (own) return answerWith(reply, own(this.#options.own, request))
    const leadership = this.#options.leadership()
    if (leadership.state === 'unknown') reply.answer(refusal(503, 'No leader elected'))
    else if (leadership.state === 'following') reply.answer(redirect(request, route, leadership.leader))
    else if (!leadership.api) reply.answer(refusal(503, 'Master has not finished recovery'))
    else return this.#lead(leadership.api, route, request, reply)
    return undefined
  }

  #lead(api: LeaderApi, route: string, request: ApiRequest, reply: ReadReply): void | Promise<void> {
    if (isAsked(route)) return answerWith(reply, api.ask[route](request))
    if (route === '/api/v1') return api.operator.handle(request, reply)
    if (route === '/api/v1/scheduler') api.scheduler.handle(request, reply)
    else if (route === '/redirect') reply.answer(redirect(request, route, api.address))
    else if (formMethods(route).includes(request.method)) change(api, route, request, reply)
    else {
      const refused = refusedRead(route, request)
      if (refused) reply.answer(refused)
      else api.read.handle({ type: 'OLDER', route, query: request.query, viewer: request.principal }, reply)
    }
    return undefined
  }
}

const isAsked = (route: string): route is AskedRoute => askedRoutes.includes(route as AskedRoute)

/** Why a route is not read so; undefined where it is. Most reads do not look at the method (Mesos contract 1.1). */
function refusedRead(route: string, { method, query }: ApiRequest): ApiAnswer | undefined {
  if (route === '/explain/task' && !new URLSearchParams(query).get('task_id'))
    return refusal(400, "Expecting 'task_id=value' in query.")
  const isRoute = route in legacyReads
  const allowed = [...(isRoute ? ['GET'] : []), ...formMethods(route)]
  const isStrict = !isRoute || allowed.length > 1 || route === '/maintenance/status'
  if (!isStrict || (isRoute && (method === 'GET' || method === 'HEAD'))) return undefined
  return refusal(405, `Expecting ${allowed.join(' or ')}`, { allow: allowed.join(', ') })
}

/** Scheme-less, so that it fits whatever the client speaks (Mesos contract 1.2). */
function redirect(request: ApiRequest, route: string, leader: string): ApiAnswer {
  const target = route === '/redirect' ? '' : request.path + (request.query === '' ? '' : `?${request.query}`)
  return empty(307, { location: `//${leader}${target}` })
}

/** An older endpoint that changes something: it is the call of the v1 API that it means. */
function change(api: LeaderApi, route: string, request: ApiRequest, reply: ApiReply): void {
  api.operate(callOfForm(route, request)!, request.principal, (status, message) =>
    reply.answer(message === undefined ? empty(status) : refusal(status, message)),
  )
}
