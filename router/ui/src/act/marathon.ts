import { ask } from './request.ts'

/** A change that Marathon has taken on. */
export interface Accepted {
  readonly deploymentId?: string
  readonly version?: string
}

/** A call of Marathon's API: what a dialog shows before it is sent. */
export interface Call {
  readonly method: 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly body?: unknown
}

const api = '/marathon/v2'

const below = (kind: 'apps' | 'pods', id: string) =>
  `${api}/${kind}/${id.replace(/^\//, '').split('/').map(encodeURIComponent).join('/')}`

export const scaleCall = (id: string, instances: number): Call => ({
  method: 'PUT',
  path: below('apps', id),
  body: { instances },
})

export const restartCall = (id: string): Call => ({ method: 'POST', path: `${below('apps', id)}/restart` })

/** Without `force` a running deployment refuses it, though Marathon's own default is to force. */
export const deleteCall = (kind: 'app' | 'pod', id: string): Call => ({
  method: 'DELETE',
  path: `${below(`${kind}s`, id)}?force=false`,
})

export const rollBackCall = (deploymentId: string): Call => ({
  method: 'DELETE',
  path: `${api}/deployments/${encodeURIComponent(deploymentId)}`,
})

/** A definition as a person wrote it: pods have containers, groups have apps or groups. */
export function createCall(definition: unknown): Call {
  const has = (name: string) => typeof definition === 'object' && definition !== null && Object.hasOwn(definition, name)
  const kind = has('containers') ? 'pods' : has('apps') || has('groups') ? 'groups' : 'apps'
  return { method: 'POST', path: `${api}/${kind}`, body: definition }
}

export const replaceCall = (id: string, definition: unknown): Call => ({
  method: 'PUT',
  path: `${below('apps', id)}?partialUpdate=false`,
  body: definition,
})

/** The same call, taking the place of the deployment that holds it. */
export function forced(call: Call): Call {
  const [path, query] = call.path.split('?') as [string, string | undefined]
  const search = new URLSearchParams(query)
  search.set('force', 'true')
  return { ...call, path: `${path}?${search}` }
}

export function send(call: Call): Promise<Accepted> {
  const body =
    call.body === undefined ? {} : { body: JSON.stringify(call.body), headers: { 'content-type': 'application/json' } }
  return ask<Accepted>(call.path, { method: call.method, ...body })
}

/** What Marathon adds to a definition when it shows it. */
const shownOnly = new Set([
  'version',
  'versionInfo',
  'tasksStaged',
  'tasksRunning',
  'tasksHealthy',
  'tasksUnhealthy',
  'deployments',
  'tasks',
  'lastTaskFailure',
  'readinessCheckResults',
  'tasksStats',
  'taskStats',
])

/** The whole definition, as it can be sent again. */
export async function readDefinition(kind: 'app' | 'pod', id: string): Promise<unknown> {
  const body = await ask<Record<string, unknown>>(below(`${kind}s`, id))
  const app = (kind === 'app' ? body.app : body) as Record<string, unknown>
  return Object.fromEntries(Object.entries(app ?? {}).filter(([name]) => !shownOnly.has(name)))
}
