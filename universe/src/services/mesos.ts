import { CatalogError } from '../problems.ts'
import { type Json, JsonProblem, member, parseJson, textOf } from '../render/json.ts'
import type { Peer } from './peer.ts'

/** The two calls we make to the leading master. */
export class Mesos {
  readonly #peer: Peer

  constructor(peer: Peer) {
    this.#peer = peer
  }

  /** The ids of the registered frameworks of exactly this name. Throws `ServiceUnavailable` when the master does not say. */
  async frameworkIds(name: string, authorization: string | undefined): Promise<string[]> {
    const answer = await this.#peer.call({ method: 'GET', path: '/state-summary', authorization })
    if (answer.status !== 200) throw unavailable(`it answered ${answer.status}`)
    const frameworks = member(parse(answer.text), 'frameworks')
    return (Array.isArray(frameworks) ? frameworks : [])
      .filter(framework => member(framework as Json, 'name') === name)
      .map(framework => textOf(member(framework as Json, 'id')))
  }

  async teardown(frameworkId: string, authorization: string | undefined): Promise<void> {
    const answer = await this.#peer.call({
      method: 'POST',
      path: '/master/teardown',
      authorization,
      body: new URLSearchParams({ frameworkId }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    if (answer.status !== 200) throw unavailable(`teardown answered ${answer.status}`)
  }
}

const unavailable = (cause: string) => new CatalogError('ServiceUnavailable', { serviceName: 'mesos', cause })

function parse(text: string): Json {
  try {
    return parseJson(text)
  } catch (error) {
    if (error instanceof JsonProblem) throw unavailable('its state is not JSON')
    throw error
  }
}
