import type { DescribeServiceRequest, UpdateServiceRequest } from '../api/requests.ts'
import { rewriteDefinition } from '../api/rewrite.ts'
import type { Session } from '../api/session.ts'
import type { Entry } from '../catalog/collection.ts'
import { downgradesTo, upgradesTo } from '../catalog/upgrades.ts'
import { FormatProblem } from '../formats/fields.ts'
import { readServedRelease } from '../formats/release.ts'
import { CatalogError } from '../problems.ts'
import { type Json, type JsonObject, member, textOf } from '../render/json.ts'
import { defaultsOf, merge } from '../render/options.ts'
import type { PackageDefinition } from '../render/package.ts'
import { absoluteId, renderPackage } from '../render/render.ts'
import type { Repositories } from '../repositories/repositories.ts'
import { type Installation, toInstallation } from './installed.ts'
import type { Managers } from './managers.ts'
import type { Marathon } from './marathon.ts'

/** A running service as its package sees it: `service/describe` and `service/update` (catalog contract 5). */
export class Services {
  readonly #repositories: Repositories
  readonly #marathon: Marathon
  readonly #managers: Managers

  constructor(repositories: Repositories, marathon: Marathon, managers: Managers) {
    this.#repositories = repositories
    this.#marathon = marathon
    this.#managers = managers
  }

  async describe(request: DescribeServiceRequest, session: Session): Promise<JsonObject> {
    const manager = request.managerId ?? (await this.#managerOf(request))
    if (manager !== undefined) return this.#forward(manager, '/service/describe', request, session)
    const { definition, options } = await this.#installed(request.appId, session)
    const collection = await this.#repositories.collection()
    return {
      package: rewriteDefinition(definition, session.origin),
      upgradesTo: upgradesTo(collection, definition),
      downgradesTo: downgradesTo(collection, definition),
      ...(options === undefined
        ? {}
        : { resolvedOptions: merge(defaultsOf(definition.config), options), userProvidedOptions: options }),
    }
  }

  async update(request: UpdateServiceRequest, session: Session): Promise<JsonObject> {
    const manager = request.managerId ?? (await this.#managerOf(request))
    if (manager !== undefined) return this.#forward(manager, '/service/update', request, session)
    const installed = await this.#installed(request.appId, session)
    const options = newOptions(request, installed.options)
    const { definition, source } = await this.#target(request, installed)
    const { id } = installed
    const rendered = renderPackage({ definition, source, options, appId: keptId(installed) })
    if (rendered === undefined) {
      throw new CatalogError('ServiceMarathonTemplateNotFound', {
        packageName: definition.name,
        packageVersion: definition.version,
      })
    }
    const newAppId = absoluteId(textOf(member(rendered, 'id')))
    if (newAppId !== id) throw new CatalogError('AppIdChanged', { newAppId, oldAppId: id })
    const marathonDeploymentId = await this.#marathon.replace(id, rendered, session.authorization)
    const resolvedOptions = merge(defaultsOf(definition.config), options)
    return { package: rewriteDefinition(definition, session.origin), resolvedOptions, marathonDeploymentId }
  }

  async #managerOf({ packageName, packageVersion }: DescribeServiceRequest): Promise<string | undefined> {
    if (packageName === undefined || packageVersion === undefined) return undefined
    return (await this.#repositories.collection()).find(packageName, packageVersion)?.definition.manager?.packageName
  }

  #forward(manager: string, path: string, request: DescribeServiceRequest, session: Session): Promise<JsonObject> {
    const { managerId: _, ...body } = request
    return this.#managers.forward(manager, path, body as unknown as Json, session)
  }

  async #installed(appId: string, session: Session): Promise<Installation & { definition: PackageDefinition }> {
    const app = await this.#marathon.app(absoluteId(appId), session.authorization)
    if (app === undefined) throw new CatalogError('MarathonAppNotFound', { appId: absoluteId(appId) })
    const installation = toInstallation(app)
    const { definition, packageName } = installation
    if (definition === undefined) throw new CatalogError('PackageNotInstalled', { packageName: packageName || app.id })
    return { ...installation, definition: checked(definition) }
  }

  /** The definition to run: the installed one, or another version that either of the two allows. */
  async #target(
    request: UpdateServiceRequest,
    installed: Installation & { definition: PackageDefinition },
  ): Promise<Entry> {
    const { definition, source = '' } = installed
    const requested = request.packageVersion
    if (requested === undefined || requested === definition.version) return { definition, source }
    const collection = await this.#repositories.collection()
    const entry = collection.find(definition.name, requested)
    if (entry === undefined) {
      throw new CatalogError('VersionNotFound', { packageName: definition.name, packageVersion: requested })
    }
    const allowed = [...upgradesTo(collection, definition), ...downgradesTo(collection, definition)]
    if (allowed.includes(requested)) return entry
    const actual = definition.version
    throw new CatalogError('VersionUpgradeNotSupportedInOpen', { requested, actual, allowed: [...new Set(allowed)] })
  }
}

/** The definition in a label is only as good as who wrote the label. Throws `JsonDecodingError`. */
function checked(definition: JsonObject): PackageDefinition {
  try {
    return readServedRelease(definition)
  } catch (error) {
    if (!(error instanceof FormatProblem)) throw error
    throw new CatalogError('JsonDecodingError', {
      typeName: 'package definition',
      decodingErrorMessage: `the label DCOS_PACKAGE_DEFINITION: ${error.message}`,
      decodeInput: textOf(definition).slice(0, 1_000),
    })
  }
}

function newOptions(request: UpdateServiceRequest, stored: JsonObject | undefined): JsonObject {
  const sent = request.options ?? {}
  if (request.replace) return sent
  if (stored === undefined) throw new CatalogError('OptionsNotStored', {})
  return merge(stored, sent)
}

/**
 * The id to keep when the service was installed under an id of the user's: one that its own options do not give. Else the options
 * say the id, and one that changes it is refused.
 */
function keptId(installed: Installation & { definition: PackageDefinition }): string | undefined {
  const { definition, options, id } = installed
  if (options === undefined) return undefined
  try {
    const before = renderPackage({ definition, source: '', options })
    return before !== undefined && absoluteId(textOf(member(before, 'id'))) !== id ? id : undefined
  } catch (error) {
    if (error instanceof CatalogError) return undefined
    throw error
  }
}
