import type { FastifyInstance } from 'fastify'
import { search } from '../catalog/search.ts'
import { CatalogError } from '../problems.ts'
import type { Json, JsonObject } from '../render/json.ts'
import type { Repositories } from '../repositories/repositories.ts'
import { findPackage, type Installed, type Installer, renderEntry } from '../services/install.ts'
import { informationOf, installations } from '../services/installed.ts'
import type { Marathon } from '../services/marathon.ts'
import type { Services } from '../services/service.ts'
import type { Uninstaller } from '../services/uninstall.ts'
import { describePackage } from './describe.ts'
import { addEndpoint, addReading, takeBytes } from './endpoint.ts'
import { answerError } from './errors.ts'
import {
  type DescribeRequest,
  type InstallRequest,
  type ListRequest,
  type RenderRequest,
  readRequest,
} from './requests.ts'
import { rewriteDefinition, rewriteImages } from './rewrite.ts'
import type { Session } from './session.ts'

export interface Api {
  readonly repositories: Repositories
  readonly marathon: Marathon
  readonly installer: Installer
  readonly uninstaller: Uninstaller
  readonly services: Services
}

const capabilities = ['PACKAGE_MANAGEMENT', 'SUPPORT_CLUSTER_REPORT', 'METRONOME', 'LOGGING', 'LOGGING_V2']
const v1 = ['v1']

/** All calls of catalog contract 5 but the resource proxy, in a scope whose bodies stay bytes and whose errors are Cosmos's. */
export async function addRoutes(app: FastifyInstance, api: Api): Promise<void> {
  takeBytes(app)
  app.setErrorHandler(answerError)
  addPackageRoutes(app, api)
  addRepositoryRoutes(app, api.repositories)
  addServiceRoutes(app, api.services)
  addReading(app, '/capabilities', 'capabilities', () => ({ capabilities: capabilities.map(name => ({ name })) }))
}

function addPackageRoutes(app: FastifyInstance, api: Api): void {
  const { repositories } = api
  addEndpoint(app, {
    path: '/package/search',
    type: 'package.search',
    versions: v1,
    read: readRequest.search,
    handle: async ({ query }, { origin }) => ({
      packages: search(await repositories.collection(), query).map(entry => ({
        ...entry,
        images: rewriteImages(entry.images, origin),
      })),
    }),
  })
  addEndpoint(app, {
    path: '/package/list-versions',
    type: 'package.list-versions',
    versions: v1,
    read: readRequest.versions,
    handle: async ({ packageName }) => {
      const entries = (await repositories.collection()).versionsOf(packageName)
      if (entries.length === 0) throw new CatalogError('PackageNotFound', { packageName })
      const results = entries.map(({ definition }) => [definition.version, String(definition.releaseVersion)])
      return { results: Object.fromEntries(results) }
    },
  })
  addEndpoint(app, {
    path: '/package/describe',
    type: 'package.describe',
    versions: ['v3', 'v2'],
    read: readRequest.describe,
    handle: async (request: DescribeRequest, { origin }, version) =>
      describePackage((await findPackage(repositories, request)).definition, origin, version),
  })
  addEndpoint(app, {
    path: '/package/render',
    type: 'package.render',
    versions: v1,
    read: readRequest.render,
    handle: async (request: RenderRequest) => {
      const entry = await findPackage(repositories, request)
      const marathonJson = renderEntry(entry, request)
      if (marathonJson === undefined) throw noTemplate(entry.definition)
      return { marathonJson }
    },
  })
  addEndpoint(app, {
    path: '/package/install',
    type: 'package.install',
    versions: ['v2', 'v1'],
    read: readRequest.install,
    handle: (request, session, version) => install(api, request, session, version),
  })
  addEndpoint(app, {
    path: '/package/uninstall',
    type: 'package.uninstall',
    versions: v1,
    read: readRequest.uninstall,
    handle: (request, session) => api.uninstaller.uninstall(request, session),
  })
  addEndpoint(app, {
    path: '/package/list',
    type: 'package.list',
    versions: v1,
    read: readRequest.list,
    handle: (request, session) => list(api, request, session),
  })
}

async function install(api: Api, request: InstallRequest, session: Session, version: string): Promise<JsonObject> {
  if (version === 'v1' && request.managerId === undefined) {
    // v1 answers an app id, which a package without a template has not: nothing is installed then.
    const { definition } = await findPackage(api.repositories, request)
    if (definition.marathon === undefined && definition.manager === undefined) throw noTemplate(definition)
  }
  const result = await api.installer.install(request, session)
  return 'forwarded' in result ? result.forwarded : installAnswer(result, session.origin, version)
}

function installAnswer({ entry, appId }: Installed, origin: string, version: string): JsonObject {
  const { name, version: packageVersion, postInstallNotes } = entry.definition
  const common = { packageName: name, packageVersion, appId }
  if (version === 'v1') return common
  return { ...common, postInstallNotes, cli: rewriteDefinition(entry.definition, origin).resource?.cli }
}

async function list(api: Api, request: ListRequest, session: Session): Promise<JsonObject> {
  const apps = await api.marathon.packageApps(session.authorization, request.packageName)
  const wanted = request.appId?.replace(/^\/*/, '/')
  const found = installations(apps).filter(({ id }) => wanted === undefined || id === wanted)
  const packages = found.flatMap(({ id, packageName, definition }) => {
    if (definition === undefined) return []
    return [{ appId: id, packageName, information: informationOf(rewriteDefinition(definition, session.origin)) }]
  })
  packages.sort((a, b) => compare(a.packageName, b.packageName) || compare(a.appId, b.appId))
  const answer = packages.map(({ appId, information }) => ({ appId, packageInformation: information }))
  return { packages: answer as unknown as Json }
}

function addRepositoryRoutes(app: FastifyInstance, repositories: Repositories): void {
  addEndpoint(app, {
    path: '/package/repository/list',
    type: 'package.repository.list',
    versions: v1,
    read: readRequest.listRepositories,
    handle: async () => ({ repositories: await repositories.list() }),
  })
  addEndpoint(app, {
    path: '/package/repository/add',
    type: 'package.repository.add',
    versions: v1,
    read: readRequest.addRepository,
    handle: async ({ name, uri, index }) => ({ repositories: await repositories.add({ name, uri }, index) }),
  })
  addEndpoint(app, {
    path: '/package/repository/delete',
    type: 'package.repository.delete',
    versions: v1,
    read: readRequest.deleteRepository,
    handle: async request => ({ repositories: await repositories.delete(request) }),
  })
}

function addServiceRoutes(app: FastifyInstance, services: Services): void {
  addEndpoint(app, {
    path: '/service/describe',
    type: 'service.describe',
    versions: v1,
    read: readRequest.describeService,
    handle: (request, session) => services.describe(request, session),
  })
  addEndpoint(app, {
    path: '/service/update',
    type: 'service.update',
    versions: v1,
    read: readRequest.updateService,
    handle: (request, session) => services.update(request, session),
  })
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const noTemplate = ({ name, version }: { name: string; version: string }) =>
  new CatalogError('ServiceMarathonTemplateNotFound', { packageName: name, packageVersion: version })
