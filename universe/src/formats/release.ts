import { isObject, type Json, type JsonObject } from '../render/json.ts'
import type { PackageDefinition, PackagingVersion } from '../render/package.ts'
import { anyObject, FormatProblem, listOf, shape, text } from './fields.ts'
import { readPackageJson } from './package-json.ts'
import { readResourceJson } from './resource-json.ts'

/** The files of one release, parsed; the template as its text. */
export interface ReleaseFiles {
  readonly package: Json
  readonly config?: Json
  readonly resource?: Json
  readonly command?: Json
  readonly template?: string
}

/** `strict` refuses what a publishing check would: see `readPackageJson`. */
export interface ReadOptions {
  readonly strict: boolean
}

/** One release from its files (catalog contract 1). Throws `FormatProblem`. */
export function readRelease(files: ReleaseFiles, release: number, options: ReadOptions): PackageDefinition {
  const { strict } = options
  const fields = readPackageJson(files.package, 'package.json', strict)
  const version = fields.packagingVersion as PackagingVersion
  if (version === '2.0' && files.template === undefined) {
    throw new FormatProblem('marathon.json.mustache', 'is required in packaging version 2.0')
  }
  if (files.command !== undefined && version >= '4.0') {
    throw new FormatProblem('command.json', `is not part of packaging version ${version}`)
  }
  const definition: Record<string, Json | undefined> = { ...fields, releaseVersion: readReleaseNumber(release) }
  if (files.template !== undefined) {
    definition.marathon = { v2AppMustacheTemplate: Buffer.from(files.template).toString('base64') }
  }
  if (files.config !== undefined) definition.config = readConfig(files.config)
  if (files.resource !== undefined) {
    definition.resource = readResourceJson(files.resource, 'resource.json', version, strict)
  }
  if (files.command !== undefined) definition.command = readCommand(files.command, strict)
  return definition as unknown as PackageDefinition
}

/** One release as a repository serves it (catalog contract 2). Throws `FormatProblem`. */
export function readServedRelease(value: Json): PackageDefinition {
  if (!isObject(value)) throw new FormatProblem('package', 'must be an object')
  const template = servedTemplate(value.marathon ?? undefined)
  const optional = (name: 'config' | 'resource' | 'command') => value[name] ?? undefined
  const version = value.packagingVersion
  const files: ReleaseFiles = {
    package: value,
    config: optional('config'),
    resource: optional('resource'),
    command: version === '2.0' || version === '3.0' ? optional('command') : undefined,
    template,
  }
  return readRelease(files, value.releaseVersion as number, { strict: false })
}

function servedTemplate(marathon: Json | undefined): string | undefined {
  if (marathon === undefined) return undefined
  shape({ v2AppMustacheTemplate: text() }, ['v2AppMustacheTemplate'], false)(marathon, 'marathon')
  return Buffer.from((marathon as { v2AppMustacheTemplate: string }).v2AppMustacheTemplate, 'base64').toString('utf8')
}

function readReleaseNumber(release: unknown): number {
  if (typeof release === 'number' && Number.isSafeInteger(release) && release >= 0) return release
  throw new FormatProblem('releaseVersion', 'must be a whole number, 0 or more')
}

function readConfig(config: Json): JsonObject {
  anyObject(config, 'config.json')
  return config as JsonObject
}

/** `{"pip": [lines]}`: kept and shown, never executed. */
function readCommand(command: Json, strict: boolean): Json {
  shape({ pip: listOf(text()) }, ['pip'], strict)(command, 'command.json')
  return command
}
