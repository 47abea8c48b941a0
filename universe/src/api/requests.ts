import { anyObject, type Check, FormatProblem, flag, shape, text } from '../formats/fields.ts'
import { isObject, type Json, type JsonObject } from '../render/json.ts'

/** The bodies of requests (catalog contract 5). Throws `FormatProblem` with the path of what is wrong. */
type Read<Request> = (body: Json) => Request

const name = text(/^.{1,256}$/s, 'must have 1 to 256 characters')
const uri = text(/^[\x21-\x7e]{1,2048}$/, 'must have 1 to 2048 characters without blanks')
/** Marathon checks ids itself, and so do the managers of packages, which are apps; this keeps out what could change the meaning of a path. */
const appId: Check = (value, path) => {
  text(/^\/?[a-z0-9][a-z0-9.\-/]{0,1023}$/, 'must be lower-case letters, digits, dots, dashes and slashes')(value, path)
  if ((value as string).split('/').some(part => part === '.' || part === '..')) {
    throw new FormatProblem(path, 'must not contain . or .. as a part')
  }
}
const index: Check = (value, path) => {
  if (!Number.isInteger(value)) throw new FormatProblem(path, 'must be a whole number')
}

/** Clients send null for what they leave out; within `options` null is a value. */
function reader<Request>(members: Readonly<Record<string, Check>>, required: readonly string[] = []): Read<Request> {
  return body => {
    if (!isObject(body)) throw new FormatProblem('body', 'must be an object')
    const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null)) as JsonObject
    shape(members, required, false)(given, 'body')
    return given as Request
  }
}

export interface SearchRequest {
  readonly query?: string
}
export interface VersionsRequest {
  readonly packageName: string
}
export interface DescribeRequest {
  readonly packageName: string
  readonly packageVersion?: string
}
export interface RenderRequest extends DescribeRequest {
  readonly options?: JsonObject
  readonly appId?: string
}
export interface InstallRequest extends RenderRequest {
  readonly managerId?: string
}
export interface UninstallRequest {
  readonly packageName: string
  readonly appId?: string
  readonly all?: boolean
  readonly managerId?: string
  readonly packageVersion?: string
}
export interface ListRequest {
  readonly packageName?: string
  readonly appId?: string
}
export interface AddRepositoryRequest {
  readonly name: string
  readonly uri: string
  readonly index?: number
}
export interface DeleteRepositoryRequest {
  readonly name?: string
  readonly uri?: string
}
export interface DescribeServiceRequest {
  readonly appId: string
  readonly managerId?: string
  readonly packageName?: string
  readonly packageVersion?: string
}
export interface UpdateServiceRequest extends DescribeServiceRequest {
  readonly options?: JsonObject
  readonly replace: boolean
}

const render = { packageName: name, packageVersion: name, options: anyObject, appId }
const service = { appId, managerId: appId, packageName: name, packageVersion: name }

export const readRequest = {
  search: reader<SearchRequest>({ query: text(/^.{0,1024}$/s, 'must not be longer than 1024 characters') }),
  versions: reader<VersionsRequest>({ packageName: name, includePackageVersions: flag }, [
    'packageName',
    'includePackageVersions',
  ]),
  describe: reader<DescribeRequest>({ packageName: name, packageVersion: name }, ['packageName']),
  render: reader<RenderRequest>(render, ['packageName']),
  install: reader<InstallRequest>({ ...render, managerId: appId }, ['packageName']),
  uninstall: reader<UninstallRequest>({ packageName: name, appId, all: flag, managerId: appId, packageVersion: name }, [
    'packageName',
  ]),
  list: reader<ListRequest>({ packageName: name, appId }),
  addRepository: reader<AddRepositoryRequest>({ name, uri, index }, ['name', 'uri']),
  deleteRepository: reader<DeleteRepositoryRequest>({ name, uri }),
  describeService: reader<DescribeServiceRequest>(service, ['appId']),
  updateService: reader<UpdateServiceRequest>(
    { ...service, options: anyObject, replace: flag, currentPackageVersion: name },
    ['appId', 'replace'],
  ),
  /** The command line sends `null`. */
  listRepositories: (body: Json): Record<string, never> => {
    if (body !== null && !isObject(body)) throw new FormatProblem('body', 'must be an object')
    return {}
  },
}
