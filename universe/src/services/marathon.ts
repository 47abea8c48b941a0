import { CatalogError } from '../problems.ts'
import {
  isObject,
  type Json,
  type JsonObject,
  JsonProblem,
  member,
  parseJson,
  stringifyJson,
  textOf,
} from '../render/json.ts'
import { label } from '../render/labels.ts'
import { isGroup } from '../render/render.ts'
import type { Answer, Peer } from './peer.ts'

/** An app of Marathon, of which only id and labels concern us. */
export interface MarathonApp extends JsonObject {
  readonly id: string
  readonly labels: Readonly<Record<string, string>>
}

/** The calls we make to Marathon (Marathon contract 2). Each takes the caller's Authorization, when there is one. */
export class Marathon {
  readonly #peer: Peer

  constructor(peer: Peer) {
    this.#peer = peer
  }

  /** Starts an app, or a group, and does not wait for its deployment. Throws what contract 7 says for each refusal. */
  async create(definition: JsonObject, authorization: string | undefined): Promise<void> {
    const path = isGroup(definition) ? '/v2/groups' : '/v2/apps'
    const answer = await this.#peer.call({ method: 'POST', path, authorization, body: stringifyJson(definition) })
    if (answer.status === 409) throw new CatalogError('PackageAlreadyInstalled', {})
    refuseFailure(answer)
  }

  /** Undefined when there is no such app. */
  async app(id: string, authorization: string | undefined): Promise<MarathonApp | undefined> {
    const answer = await this.#peer.call({ method: 'GET', path: `/v2/apps${path(id)}`, authorization })
    if (answer.status === 404) return undefined
    refuseFailure(answer)
    return toApp(member(parsed(answer), 'app'))
  }

  /** All apps that were installed from packages, or from the named one. */
  async packageApps(authorization: string | undefined, packageName?: string): Promise<MarathonApp[]> {
    const apps = await this.#apps(`label=${label.name}`, authorization)
    return apps
      .filter(app => app.labels[label.name] !== undefined)
      .filter(app => packageName === undefined || app.labels[label.name] === packageName)
  }

  /** All apps within a group, also those within its groups. */
  async appsIn(group: string, authorization: string | undefined): Promise<MarathonApp[]> {
    const apps = await this.#apps(`id=${encodeURIComponent(group)}`, authorization)
    return apps.filter(app => app.id.startsWith(`${group}/`))
  }

  async #apps(query: string, authorization: string | undefined): Promise<MarathonApp[]> {
    const answer = await this.#peer.call({ method: 'GET', path: `/v2/apps?${query}`, authorization })
    refuseFailure(answer)
    const apps = member(parsed(answer), 'apps')
    return (Array.isArray(apps) ? apps : []).flatMap(value => toApp(value as Json) ?? [])
  }

  /** Replaces a definition whole. Answers the id of the deployment. */
  async replace(id: string, definition: JsonObject, authorization: string | undefined): Promise<string> {
    const answer = await this.#peer.call({
      method: 'PUT',
      path: `/v2/apps${path(id)}?force=true&partialUpdate=false`,
      authorization,
      body: stringifyJson(definition),
    })
    refuseFailure(answer)
    return textOf(member(parsed(answer), 'deploymentId'))
  }

  /** Answers the status: 200 when the deletion has begun. */
  async delete(id: string, kind: 'apps' | 'groups', authorization: string | undefined): Promise<number> {
    const request = { method: 'DELETE', path: `/v2/${kind}${path(id)}?force=true`, authorization } as const
    return (await this.#peer.call(request)).status
  }

  async isDeploying(deploymentId: string, authorization: string | undefined): Promise<boolean> {
    const answer = await this.#peer.call({ method: 'GET', path: '/v2/deployments', authorization })
    refuseFailure(answer)
    const deployments = parsed(answer)
    return Array.isArray(deployments) && deployments.some(one => member(one as Json, 'id') === deploymentId)
  }
}

/** An id as a path: each part escaped, so that none can become another path. */
function path(id: string): string {
  return id
    .split('/')
    .filter(part => part !== '')
    .map(part => `/${encodeURIComponent(part)}`)
    .join('')
}

function toApp(value: Json | undefined): MarathonApp | undefined {
  const id = member(value, 'id')
  if (!isObject(value) || typeof id !== 'string') return undefined
  const labels = member(value, 'labels')
  const texts = Object.entries(isObject(labels) ? labels : {}).filter(([, text]) => typeof text === 'string')
  return { ...value, id, labels: Object.fromEntries(texts) as Record<string, string> }
}

function parsed(answer: Answer): Json {
  try {
    return parseJson(answer.text)
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error
    throw new CatalogError('MarathonGenericError', { marathonStatus: answer.status, status: 500 })
  }
}

/** 5xx is a bad gateway; other refusals carry Marathon's details, when they are Marathon's (contract 7). */
function refuseFailure(answer: Answer): void {
  const { status } = answer
  if (status >= 200 && status < 300) return
  if (status >= 500) throw new CatalogError('MarathonBadGateway', { marathonStatus: status, status: 502 })
  const errors = marathonErrors(answer)
  if (errors) throw new CatalogError('MarathonBadResponse', { errors })
  throw new CatalogError('MarathonGenericError', { marathonStatus: status, status: 500 })
}

function marathonErrors({ text }: Answer): readonly Json[] | undefined {
  try {
    const body = parseJson(text)
    const message = member(body, 'message')
    if (typeof message !== 'string') return undefined
    const details = member(body, 'details')
    return Array.isArray(details) ? details : [{ message }]
  } catch (error) {
    if (error instanceof JsonProblem) return undefined
    throw error
  }
}
