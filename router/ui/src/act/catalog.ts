import { ask } from './request.ts'

/** A package in full, as far as the page shows it. */
export interface Definition {
  readonly name: string
  readonly version: string
  readonly description?: string
  readonly maintainer?: string
  readonly website?: string
  readonly scm?: string
  readonly selected?: boolean
  readonly tags?: readonly string[]
  readonly licenses?: readonly { readonly name: string }[]
  readonly preInstallNotes?: string
  readonly postInstallNotes?: string
  readonly config?: unknown
  readonly marathon?: unknown
}

export interface InstallAnswer {
  readonly packageName: string
  readonly packageVersion: string
  /** Absent for a package that only brings commands. */
  readonly appId?: string
  readonly postInstallNotes?: string
}

export interface UninstallAnswer {
  readonly results: readonly { readonly appId: string; readonly postUninstallNotes?: string }[]
}

const media = (name: string, direction: 'request' | 'response', version: string) =>
  `application/vnd.dcos.package.${name}-${direction}+json;charset=utf-8;version=${version}`

const errors = 'application/vnd.dcos.package.error+json;charset=utf-8;version=v1'

/** A call of the package manager's API (catalog contract 4); `version` is the one of the answer. */
const call = <Body>(name: string, version: string, body: unknown): Promise<Body> =>
  ask<Body>(`/package/${name}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': media(name, 'request', 'v1'), accept: `${media(name, 'response', version)}, ${errors}` },
  })

export async function describe(packageName: string, packageVersion?: string): Promise<Definition> {
  const version = packageVersion === undefined ? {} : { packageVersion }
  return (await call<{ package: Definition }>('describe', 'v3', { packageName, ...version })).package
}

export const install = (packageName: string, packageVersion: string, options: unknown): Promise<InstallAnswer> =>
  call('install', 'v2', { packageName, packageVersion, options })

export const uninstall = (packageName: string, appId: string): Promise<UninstallAnswer> =>
  call('uninstall', 'v1', { packageName, appId })
