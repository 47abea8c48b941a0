import type { InstallRequest, RenderRequest } from '../api/requests.ts'
import type { Session } from '../api/session.ts'
import type { Entry } from '../catalog/collection.ts'
import { CatalogError } from '../problems.ts'
import { type Json, type JsonObject, member, textOf } from '../render/json.ts'
import { absoluteId, renderPackage } from '../render/render.ts'
import type { Repositories } from '../repositories/repositories.ts'
import type { Managers } from './managers.ts'
import type { Marathon } from './marathon.ts'

export interface Installed {
  readonly entry: Entry
  /** Undefined for a package that only brings a command line. */
  readonly appId: string | undefined
}

/** Throws `PackageNotFound` or `VersionNotFound`. */
export async function findPackage(
  repositories: Repositories,
  wanted: { packageName: string; packageVersion?: string },
): Promise<Entry> {
  const { packageName, packageVersion } = wanted
  const collection = await repositories.collection()
  const entry = collection.find(packageName, packageVersion)
  if (entry) return entry
  if (packageVersion !== undefined && collection.find(packageName)) {
    throw new CatalogError('VersionNotFound', { packageName, packageVersion })
  }
  throw new CatalogError('PackageNotFound', { packageName })
}

/** The app that the request's package and options give; undefined without a template. Throws `CatalogError`. */
export function renderEntry({ definition, source }: Entry, request: RenderRequest): JsonObject | undefined {
  return renderPackage({ definition, source, options: request.options, appId: request.appId })
}

/** Renders a package and hands it to Marathon, without waiting for its deployment (catalog contract 7). */
export class Installer {
  readonly #repositories: Repositories
  readonly #marathon: Marathon
  readonly #managers: Managers

  constructor(repositories: Repositories, marathon: Marathon, managers: Managers) {
    this.#repositories = repositories
    this.#marathon = marathon
    this.#managers = managers
  }

  /** Answers what was installed, or the answer of the package's own manager. */
  async install(request: InstallRequest, session: Session): Promise<Installed | { readonly forwarded: JsonObject }> {
    const manager = request.managerId ?? (await this.#managerOf(request))
    if (manager !== undefined) {
      const { managerId: _, ...body } = request
      return { forwarded: await this.#managers.forward(manager, '/package/install', body as unknown as Json, session) }
    }
    const entry = await findPackage(this.#repositories, request)
    const app = renderEntry(entry, request)
    if (app === undefined) return { entry, appId: undefined }
    await this.#marathon.create(app, session.authorization)
    return { entry, appId: absoluteId(textOf(member(app, 'id'))) }
  }

  /** The manager that a package of packaging 5.0 names, when the version is known. */
  async #managerOf({ packageName, packageVersion }: InstallRequest): Promise<string | undefined> {
    const entry = (await this.#repositories.collection()).find(packageName, packageVersion)
    return entry?.definition.manager?.packageName
  }
}
