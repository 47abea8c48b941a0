import type { Json, JsonObject } from './json.ts'

export type PackagingVersion = '2.0' | '3.0' | '4.0' | '5.0'

/** The assets, images and command-line parts of a package: resource.json (catalog contract 1). */
export interface PackageResource extends JsonObject {
  readonly assets?: {
    readonly uris?: Readonly<Record<string, string>>
    readonly container?: { readonly docker?: Readonly<Record<string, string>> }
  }
  readonly images?: JsonObject
  readonly cli?: JsonObject
}

/**
 * One release of a package, in the shape that repositories serve (catalog contract 2): the fields of package.json, the release,
 * and the other files as members.
 */
export interface PackageDefinition extends JsonObject {
  readonly packagingVersion: PackagingVersion
  readonly name: string
  readonly version: string
  /** The number of the release: the only order among versions. */
  readonly releaseVersion: number
  readonly maintainer: string
  readonly description: string
  readonly tags: readonly string[]
  readonly scm?: string
  readonly website?: string
  readonly preInstallNotes?: string
  readonly postInstallNotes?: string
  readonly postUninstallNotes?: string
  readonly framework?: boolean
  readonly selected?: boolean
  readonly licenses?: readonly JsonObject[]
  readonly minDcosReleaseVersion?: string
  readonly upgradesFrom?: readonly string[]
  readonly downgradesTo?: readonly string[]
  readonly manager?: { readonly packageName: string; readonly minPackageVersion?: string }
  /** The template as base64 text. */
  readonly marathon?: { readonly v2AppMustacheTemplate: string }
  readonly config?: JsonObject
  readonly resource?: PackageResource
  readonly command?: Json
}
