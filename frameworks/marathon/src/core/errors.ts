import { HttpError } from '@meseta/common/service/errors'

/** One place in a body and what is wrong there, as Marathon writes it (contract 1.4): `/a(0)/b`, the whole object is `/`. */
export interface Detail {
  readonly path: string
  readonly errors: readonly string[]
}

/** What becomes an HTTP error: the status, the message, and what else the body carries. */
export class Refusal extends HttpError {
  readonly deployments: readonly { readonly id: string }[] | undefined
  constructor(
    status: number,
    message: string,
    more: { details?: readonly (Detail | string)[]; deployments?: readonly { readonly id: string }[] } = {},
  ) {
    super(status, message, { details: more.details })
    this.name = 'Refusal'
    this.deployments = more.deployments
  }

  /** The body of the answer. */
  body(): Record<string, unknown> {
    return {
      message: this.message,
      ...(this.details !== undefined && { details: this.details }),
      ...(this.deployments && { deployments: this.deployments }),
    }
  }
}

export const notFound = (kind: 'App' | 'Pod' | 'Group' | 'Task', id: string, version?: string): Refusal =>
  new Refusal(404, `${kind} '${id}' does not exist${version === undefined ? '' : ` in version ${version}`}`)

export const unknownPlan = (id: string): Refusal => new Refusal(404, `DeploymentPlan ${id} does not exist`)

/** Overlap with running deployments (contract 11, Lock). Old pages turn `force=true` in this text into a button. */
export const locked = (deployments: readonly string[]): Refusal =>
  new Refusal(
    409,
    'App is locked by one or more deployments. Override with the option `?force=true`. View details at /v2/deployments/<DEPLOYMENT_ID>.',
    { deployments: deployments.map(id => ({ id })) },
  )

export const notYet = (what: string): Refusal => new Refusal(501, `${what} is not supported yet`)

/** Collects what is wrong with one body, by path, in the order found. */
export class Problems {
  readonly #found = new Map<string, string[]>()

  add(path: string, error: string): void {
    const known = this.#found.get(path || '/')
    if (known === undefined) this.#found.set(path || '/', [error])
    else if (!known.includes(error)) known.push(error)
  }

  get any(): boolean {
    return this.#found.size > 0
  }

  details(): Detail[] {
    return [...this.#found].map(([path, errors]) => ({ path, errors }))
  }

  /** 422 for a wrong shape: a type, a missing field. */
  throwShape(): void {
    if (this.any) throw new Refusal(422, 'Invalid JSON', { details: this.details() })
  }

  /** 422 for a broken rule. */
  throwRules(): void {
    if (this.any) throw new Refusal(422, 'Object is not valid', { details: this.details() })
  }
}
