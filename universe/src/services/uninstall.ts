import type { UninstallRequest } from '../api/requests.ts'
import type { Session } from '../api/session.ts'
import { CatalogError } from '../problems.ts'
import { type Json, type JsonObject, member } from '../render/json.ts'
import { groupOf, label } from '../render/labels.ts'
import { absoluteId } from '../render/render.ts'
import type { Repositories } from '../repositories/repositories.ts'
import { type Installation, installations } from './installed.ts'
import type { Managers } from './managers.ts'
import type { Marathon } from './marathon.ts'
import type { Mesos } from './mesos.ts'
import type { SdkUninstaller } from './sdk-uninstall.ts'

export interface Uninstalled {
  readonly packageName: string
  readonly appId: string
  readonly packageVersion?: string
  readonly postUninstallNotes?: string
}

export interface UninstallerOptions {
  readonly repositories: Repositories
  readonly marathon: Marathon
  readonly mesos: Mesos
  readonly managers: Managers
  readonly sdk: SdkUninstaller
}

/** Removes what a package runs as (catalog contract 7). */
export class Uninstaller {
  readonly #options: UninstallerOptions

  constructor(options: UninstallerOptions) {
    this.#options = options
  }

  async uninstall(request: UninstallRequest, session: Session): Promise<JsonObject> {
    const manager = request.managerId ?? (await this.#managerOf(request))
    if (manager !== undefined) {
      const { managerId: _, ...body } = request
      return this.#options.managers.forward(manager, '/package/uninstall', body as unknown as Json, session)
    }
    const results: Uninstalled[] = []
    for (const installation of await this.#candidates(request, session)) {
      await this.#remove(installation, session)
      results.push(await this.#result(installation))
    }
    return { results: results as unknown as Json }
  }

  async #managerOf({ packageName, packageVersion }: UninstallRequest): Promise<string | undefined> {
    if (packageVersion === undefined) return undefined
    return (await this.#options.repositories.collection()).find(packageName, packageVersion)?.definition.manager
      ?.packageName
  }

  async #candidates(request: UninstallRequest, session: Session): Promise<Installation[]> {
    const { packageName, appId } = request
    const apps = await this.#options.marathon.packageApps(session.authorization, packageName)
    const found = installations(apps)
    if (appId !== undefined) {
      const chosen = found.filter(one => one.id === absoluteId(appId))
      if (chosen.length === 0)
        throw new CatalogError('UninstallNonExistentAppForPackage', { packageName, appId: absoluteId(appId) })
      return chosen
    }
    if (found.length === 0) throw new CatalogError('PackageNotInstalled', { packageName })
    if (found.length > 1 && request.all !== true) {
      throw new CatalogError('AmbiguousAppId', { packageName, appIds: found.map(one => one.id) })
    }
    return found
  }

  async #remove(installation: Installation, session: Session): Promise<void> {
    const { app, id, kind } = installation
    if (app.labels[label.commonsUninstall] !== undefined) {
      await this.#options.sdk.start(app, session.authorization)
      return
    }
    if (kind === 'apps') await this.#delete(id, kind, session)
    else await this.#removeGroup(installation, session)
    const framework = app.labels[label.frameworkName]
    if (framework !== undefined) await this.#endFramework(installation, framework, session)
  }

  /** The group as a whole; when there is something in it that is not the package's, the package's apps only. */
  async #removeGroup({ id, packageName }: Installation, session: Session): Promise<void> {
    const apps = await this.#options.marathon.appsIn(id, session.authorization)
    const own = apps.filter(({ labels }) => groupOf(labels) === id && labels[label.name] === packageName)
    if (own.length === apps.length) return this.#delete(id, 'groups', session)
    for (const app of own) await this.#delete(app.id, 'apps', session)
  }

  async #delete(id: string, kind: Installation['kind'], { authorization }: Session): Promise<void> {
    const status = await this.#options.marathon.delete(id, kind, authorization)
    if (status !== 200) throw new CatalogError('MarathonAppDeleteError', { appId: id })
  }

  async #endFramework(installation: Installation, frameworkName: string, session: Session): Promise<void> {
    const { packageName, packageVersion } = installation
    const { mesos } = this.#options
    try {
      const ids = await mesos.frameworkIds(frameworkName, session.authorization)
      if (ids.length > 1)
        throw new CatalogError('MultipleFrameworkIds', { packageName, packageVersion, frameworkName, ids })
      if (ids.length === 1) await mesos.teardown(ids[0]!, session.authorization)
    } catch (error) {
      const unreachable = error instanceof CatalogError && error.type === 'ServiceUnavailable'
      throw unreachable ? new CatalogError('IncompleteUninstall', { packageName }) : error
    }
  }

  async #result({ packageName, id, packageVersion, definition }: Installation): Promise<Uninstalled> {
    const notes =
      member(definition, 'postUninstallNotes') ?? (await this.#notesInRepositories(packageName, packageVersion))
    return {
      packageName,
      appId: id,
      ...(packageVersion === undefined ? {} : { packageVersion }),
      ...(typeof notes === 'string' ? { postUninstallNotes: notes } : {}),
    }
  }

  async #notesInRepositories(name: string, version: string | undefined): Promise<string | undefined> {
    if (version === undefined) return undefined
    return (await this.#options.repositories.collection()).find(name, version)?.definition.postUninstallNotes
  }
}
