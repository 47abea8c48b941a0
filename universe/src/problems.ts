import type { Json } from './render/json.ts'
import type { Mismatch } from './render/mismatch.ts'

interface Repository {
  readonly name: string
  readonly uri: string
}

/** What the package manager refuses, by name, with the data each one carries (catalog contract 5, "Errors"). */
export interface ProblemData {
  AmbiguousAppId: { packageName: string; appIds: readonly string[] }
  AppIdChanged: { newAppId: string; oldAppId: string }
  ConcurrentAccess: Record<string, never>
  ConversionFromPackageToV2DescribeResponse: Record<string, never>
  CustomPackageManagerError: { managerId: string; statusCode: number; responseContent: string }
  CustomPackageManagerNotFound: { managerId: string }
  EndpointUriConnection: { destination: string; cause: string }
  FailedToStartUninstall: { appId: string; explanation: string }
  Forbidden: { serviceName: string; destination?: string }
  GenericHttpError: { method: string; uri: string; clientStatus: number; status: number }
  IncompleteUninstall: { packageName: string }
  JsonDecodingError: { typeName: string; decodingErrorMessage: string; decodeInput: string }
  JsonParsingError: { underlyingType: string; parsingErrorMessage: string; parsingInput: string }
  JsonSchemaMismatch: { errors: readonly Mismatch[] }
  MarathonAppDeleteError: { appId: string }
  MarathonAppNotFound: { appId: string }
  MarathonBadGateway: { marathonStatus: number; status: number }
  MarathonBadResponse: { errors: readonly Json[] }
  MarathonGenericError: { marathonStatus: number; status: number }
  MarathonTemplateMustBeJsonObject: Record<string, never>
  MultipleFrameworkIds: { packageName: string; packageVersion?: string; frameworkName: string; ids: readonly string[] }
  OptionsNotAllowed: Record<string, never>
  OptionsNotStored: Record<string, never>
  PackageAlreadyInstalled: Record<string, never>
  PackageNotFound: { packageName: string }
  PackageNotInstalled: { packageName: string }
  RepoNameOrUriMissing: Record<string, never>
  RepositoryAddIndexOutOfBounds: { attempted: number; max: number }
  RepositoryAlreadyPresent: { name?: string; uri?: string }
  RepositoryNotPresent: { name?: string; uri?: string }
  RepositoryUriConnection: { repository: Repository; cause: string }
  RepositoryUriSyntax: { repository: Repository; cause: string }
  ServiceAlreadyStarted: Record<string, never>
  ServiceMarathonTemplateNotFound: { packageName: string; packageVersion: string }
  ServiceUnavailable: { serviceName: string; cause?: string }
  TimeoutError: { operation: string; destination: string; timeout: string }
  Unauthorized: { serviceName: string; realm?: string }
  UninstallNonExistentAppForPackage: { packageName: string; appId: string }
  UniverseClientHttpError: {
    packageRepository: Repository
    method: string
    clientStatus: number
    status: number
  }
  UnsupportedContentEncoding: { supported: readonly string[]; actual?: string }
  UnsupportedContentType: { supported: readonly string[]; actual?: string }
  UnsupportedRedirect: { supported: readonly string[]; actual?: string }
  UnsupportedRepositoryUri: { uri: string }
  VersionNotFound: { packageName: string; packageVersion: string }
  /** Meseta performs upgrades that the packages allow; this refuses the others. */
  VersionUpgradeNotSupportedInOpen: { requested: string; actual: string; allowed?: readonly string[] }
  /** Meseta's own: more repositories than a record holds. */
  TooManyRepositories: { max: number }
}

export type ProblemType = keyof ProblemData

/** A refusal: its name and data, and the sentence and HTTP status that belong to them. */
export class CatalogError<Type extends ProblemType = ProblemType> extends Error {
  readonly type: Type
  readonly data: ProblemData[Type]
  readonly status: number

  constructor(type: Type, data: ProblemData[Type]) {
    super((sentences[type] as (data: ProblemData[Type]) => string)(data))
    this.name = 'CatalogError'
    this.type = type
    this.data = data
    this.status = statusOf(type, data)
  }
}

const statuses: Partial<Record<ProblemType, number>> = {
  EndpointUriConnection: 502,
  Forbidden: 403,
  IncompleteUninstall: 503,
  MarathonBadGateway: 502,
  MarathonGenericError: 500,
  PackageAlreadyInstalled: 409,
  ServiceAlreadyStarted: 409,
  ServiceUnavailable: 503,
  Unauthorized: 401,
  UniverseClientHttpError: 500,
}

/** Some answers carry the status in their data, where it differs by call. */
function statusOf<Type extends ProblemType>(type: Type, data: ProblemData[Type]): number {
  if (type === 'UniverseClientHttpError') return (data as ProblemData['UniverseClientHttpError']).status
  return statuses[type] ?? 400
}

const named = ({ name, uri }: { name?: string; uri?: string }): string =>
  [name === undefined ? [] : `name [${name}]`, uri === undefined ? [] : `uri [${uri}]`].flat().join(' and ')

const supported = (what: string) => (data: { supported: readonly string[]; actual?: string }) =>
  `${what} [${data.actual ?? 'none'}] is not supported; supported: ${data.supported.join(', ')}`

const sentences: { [Type in ProblemType]: (data: ProblemData[Type]) => string } = {
  AmbiguousAppId: d =>
    `Package [${d.packageName}] is installed as several apps: ${d.appIds.join(', ')}. Name one with appId, or ask for all`,
  AppIdChanged: d =>
    `The options change the app id from [${d.oldAppId}] to [${d.newAppId}], which an update can not do`,
  ConcurrentAccess: () => 'The list of repositories was changed by somebody else at the same time; try again',
  ConversionFromPackageToV2DescribeResponse: () =>
    'This package can not be described in version v2; ask for version v3 in Accept',
  CustomPackageManagerError: d => `The package manager [${d.managerId}] answered ${d.statusCode}: ${d.responseContent}`,
  CustomPackageManagerNotFound: d => `The package manager [${d.managerId}] is not running`,
  EndpointUriConnection: d => `Could not reach [${d.destination}]: ${d.cause}`,
  FailedToStartUninstall: d => `The uninstall of app [${d.appId}] could not be started: ${d.explanation}`,
  Forbidden: d =>
    d.destination === undefined
      ? `[${d.serviceName}] does not permit this request`
      : `[${d.destination}] is not a resource of a package in the configured repositories`,
  GenericHttpError: d => `${d.method} ${d.uri} answered ${d.clientStatus}`,
  IncompleteUninstall: d =>
    `Package [${d.packageName}] was removed, but its framework could not be ended at the master; end it with a teardown there`,
  JsonDecodingError: d => `This is not a ${d.typeName}: ${d.decodingErrorMessage}`,
  JsonParsingError: d => `The ${d.underlyingType} is not JSON: ${d.parsingErrorMessage}`,
  JsonSchemaMismatch: () => 'Options JSON failed validation',
  MarathonAppDeleteError: d => `Marathon did not delete app [${d.appId}]`,
  MarathonAppNotFound: d => `Marathon has no app [${d.appId}]`,
  MarathonBadGateway: d => `Marathon answered ${d.marathonStatus}`,
  MarathonBadResponse: () => 'Object is not valid',
  MarathonGenericError: d => `Marathon answered ${d.marathonStatus} with a body that is not one of its errors`,
  MarathonTemplateMustBeJsonObject: () => 'The rendered template is not a JSON object',
  MultipleFrameworkIds: d =>
    `The app of [${d.packageName}] was removed, but several frameworks are named [${d.frameworkName}]: ${d.ids.join(', ')}; end the right one with a teardown at the master`,
  OptionsNotAllowed: () => 'This package takes no options',
  OptionsNotStored: () => 'The running service has no stored options to change; send all of them with replace',
  PackageAlreadyInstalled: () => 'Package is already installed: an app or group with its id exists',
  PackageNotFound: d => `Package [${d.packageName}] not found`,
  PackageNotInstalled: d => `Package [${d.packageName}] is not installed`,
  RepoNameOrUriMissing: () => 'Name the repository to delete by name or uri',
  RepositoryAddIndexOutOfBounds: d => `Index ${d.attempted} is out of range: 0 to ${d.max}`,
  RepositoryAlreadyPresent: d => `A repository with ${named(d)} is already there`,
  RepositoryNotPresent: d => `There is no repository with ${named(d)}`,
  RepositoryUriConnection: d => `Could not read repository [${d.repository.name}] at [${d.repository.uri}]: ${d.cause}`,
  RepositoryUriSyntax: d =>
    `The uri of repository [${d.repository.name}], [${d.repository.uri}], is not valid: ${d.cause}`,
  ServiceAlreadyStarted: () => 'The service is already running',
  ServiceMarathonTemplateNotFound: d =>
    `Package [${d.packageName}] version [${d.packageVersion}] has no Marathon template: it brings only a command line`,
  ServiceUnavailable: d => `[${d.serviceName}] can not be reached${d.cause === undefined ? '' : `: ${d.cause}`}`,
  TimeoutError: d => `${d.operation} on ${d.destination} took longer than ${d.timeout}`,
  TooManyRepositories: d => `There are ${d.max} repositories already; delete one first`,
  Unauthorized: d => `[${d.serviceName}] asks for authentication`,
  UninstallNonExistentAppForPackage: d => `Package [${d.packageName}] has no app [${d.appId}]`,
  UniverseClientHttpError: d =>
    `Repository [${d.packageRepository.name}] at [${d.packageRepository.uri}] answered ${d.clientStatus}`,
  UnsupportedContentEncoding: supported('Content-Encoding'),
  UnsupportedContentType: supported('Content-Type'),
  UnsupportedRedirect: supported('A redirect to scheme'),
  UnsupportedRepositoryUri: d => `A repository can not be added from [${d.uri}]: use http or https`,
  VersionNotFound: d => `Version [${d.packageVersion}] of package [${d.packageName}] not found`,
  VersionUpgradeNotSupportedInOpen: d =>
    `Version [${d.actual}] can not be changed to [${d.requested}]: neither package allows it${d.allowed?.length ? `; allowed: ${d.allowed.join(', ')}` : ''}`,
}
