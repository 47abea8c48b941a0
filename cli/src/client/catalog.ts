import { Failure } from '../output/failure.ts'
import { type Answer, exits, parse, type Router } from './router.ts'

/** What the catalog says of a package in a search. */
export interface SearchEntry {
  readonly name: string
  readonly currentVersion: string
  readonly description: string
  readonly framework?: boolean
  readonly selected?: boolean
  readonly tags: readonly string[]
  readonly versions?: Readonly<Record<string, unknown>>
}

/** A package as `describe` answers it, as far as this command line reads it. */
export interface PackageDefinition {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly maintainer?: string
  readonly selected?: boolean
  readonly preInstallNotes?: string
  readonly postInstallNotes?: string
  readonly licenses?: readonly { readonly name: string; readonly url: string }[]
  readonly config?: unknown
  readonly marathon?: { readonly v2AppMustacheTemplate: string }
  readonly resource?: unknown
}

export interface Repository {
  readonly name: string
  readonly uri: string
}

export interface InstalledPackage {
  readonly appId: string
  readonly packageInformation: {
    readonly packageDefinition: {
      readonly name: string
      readonly version: string
      readonly description?: string
      readonly selected?: boolean
      readonly framework?: boolean
    }
  }
}

type Call =
  | 'search'
  | 'describe'
  | 'list'
  | 'list-versions'
  | 'render'
  | 'install'
  | 'uninstall'
  | 'repository.list'
  | 'repository.add'
  | 'repository.delete'

/** Versions of the answers that are asked for (catalog contract, 4). */
const answerVersion: Partial<Record<Call, string>> = { describe: 'v3', install: 'v2' }

const media = (call: Call, direction: 'request' | 'response', version: string) =>
  `application/vnd.dcos.package.${call}-${direction}+json;charset=utf-8;version=${version}`

interface ErrorBody {
  readonly type: string
  readonly message: string
  readonly data?: { readonly errors?: readonly SchemaError[] }
}

export interface SchemaError {
  readonly message?: string
  readonly instance?: { readonly pointer?: string }
}

/** The package manager's API (catalog contract, 5) through the router. */
export class Catalog {
  readonly #router: Router

  constructor(router: Router) {
    this.#router = router
  }

  search(query?: string): Promise<{ packages: SearchEntry[] }> {
    return this.#call('search', query === undefined ? {} : { query })
  }

  async describe(packageName: string, packageVersion?: string): Promise<PackageDefinition> {
    const body = await this.#call<{ package: PackageDefinition }>('describe', { packageName, packageVersion })
    return body.package
  }

  versions(packageName: string): Promise<{ results: Record<string, string> }> {
    return this.#call('list-versions', { packageName, includePackageVersions: true })
  }

  render(request: {
    packageName: string
    packageVersion?: string
    options?: unknown
    appId?: string
  }): Promise<{ marathonJson: unknown }> {
    return this.#call('render', request)
  }

  install(request: {
    packageName: string
    packageVersion?: string
    options?: unknown
    appId?: string
  }): Promise<{ packageName: string; packageVersion: string; appId?: string; postInstallNotes?: string }> {
    return this.#call('install', request)
  }

  uninstall(request: { packageName: string; appId?: string; all?: boolean }): Promise<{
    results: { packageName: string; appId: string; packageVersion?: string; postUninstallNotes?: string }[]
  }> {
    return this.#call('uninstall', request)
  }

  list(request: { packageName?: string; appId?: string } = {}): Promise<{ packages: InstalledPackage[] }> {
    return this.#call('list', request)
  }

  repositories(): Promise<{ repositories: Repository[] }> {
    return this.#call('repository.list', {})
  }

  addRepository(request: { name: string; uri: string; index?: number }): Promise<{ repositories: Repository[] }> {
    return this.#call('repository.add', request)
  }

  removeRepository(name: string): Promise<{ repositories: Repository[] }> {
    return this.#call('repository.delete', { name })
  }

  async #call<Body>(call: Call, body: unknown): Promise<Body> {
    const path = `/package/${call.replace('.', '/')}`
    const answer = await this.#router.ask(path, {
      method: 'POST',
      body,
      headers: {
        'content-type': media(call, 'request', 'v1'),
        accept: `${media(call, 'response', answerVersion[call] ?? 'v1')}, application/vnd.dcos.package.error+json;charset=utf-8;version=v1`,
      },
      timeout: 60_000,
    })
    if (answer.status >= 400) throw failure(answer)
    return parse<Body>(answer)
  }
}

/** Errors of the catalog that say that something is not there; all of them are 400 (catalog contract, 4). */
const missing: ReadonlySet<string> = new Set([
  'MarathonAppNotFound',
  'PackageNotFound',
  'PackageNotInstalled',
  'RepositoryNotPresent',
  'ServiceMarathonTemplateNotFound',
  'UninstallNonExistentAppForPackage',
  'VersionNotFound',
])

/** An error of the catalog, with every option that its schema refuses. */
function failure(answer: Answer): Failure {
  let body: ErrorBody
  try {
    body = JSON.parse(answer.text) as ErrorBody
  } catch {
    return new Failure(answer.text.trim().slice(0, 500) || `the catalog answered ${answer.status}`, {
      exit: answer.status >= 500 ? 'unreachable' : 'failure',
    })
  }
  const errors = body.data?.errors ?? []
  const hint = errors
    .map(error => `${error.instance?.pointer || '/'}: ${error.message ?? 'is refused'}`)
    .join('\n      ')
  return new Failure(body.message, {
    exit: missing.has(body.type)
      ? 'notFound'
      : (exits[answer.status] ?? (answer.status >= 500 ? 'unreachable' : 'failure')),
    ...(hint ? { hint } : {}),
  })
}
