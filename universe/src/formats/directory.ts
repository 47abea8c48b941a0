import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Json, JsonProblem, parseJson } from '../render/json.ts'
import type { PackageDefinition } from '../render/package.ts'
import { FormatProblem } from './fields.ts'
import { type ReadOptions, type ReleaseFiles, readRelease } from './release.ts'
import { type Contents, maxReleases, type Skipped } from './repository-json.ts'

/** No package file is nearly as large. */
const maxFileBytes = 4 * 1024 * 1024

/** A folder that is no repository. */
export class DirectoryProblem extends Error {
  constructor(folder: string, reason: string) {
    super(`${folder}: ${reason}`)
    this.name = 'DirectoryProblem'
  }
}

/**
 * Reads a folder of packages: `<folder>/repo/packages`, `<folder>/packages` or `<folder>` itself, with releases in
 * `<letter>/<name>/<number>` or `<name>/<number>` (catalog contract 1). With `only`, just that package. Throws `DirectoryProblem`.
 */
export async function readDirectory(folder: string, options: ReadOptions & { only?: string }): Promise<Contents> {
  const root = await packagesFolder(folder)
  const releases = await findReleases(root, options.only)
  if (releases.length > maxReleases) throw new DirectoryProblem(folder, `has more than ${maxReleases} releases`)
  const packages: PackageDefinition[] = []
  const skipped: Skipped[] = []
  for (const release of releases) {
    try {
      packages.push(await readReleaseFolder(release, options))
    } catch (error) {
      if (!(error instanceof FormatProblem)) throw error
      skipped.push({ release: `${release.name}/${release.number}`, reason: error.message })
    }
  }
  return { packages, skipped }
}

interface ReleaseFolder {
  readonly name: string
  readonly number: number
  readonly path: string
}

async function packagesFolder(folder: string): Promise<string> {
  for (const path of [join(folder, 'repo', 'packages'), join(folder, 'packages'), folder]) {
    if (await isFolder(path)) return path
  }
  throw new DirectoryProblem(folder, 'is not a folder that can be read')
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    found => found.isDirectory(),
    () => false,
  )
}

async function foldersIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true })
  return entries
    .filter(entry => entry.isDirectory())
    .map(entry => entry.name)
    .sort()
}

async function findReleases(root: string, only: string | undefined): Promise<ReleaseFolder[]> {
  const found: ReleaseFolder[] = []
  for (const first of await foldersIn(root)) {
    const isLetter = /^[A-Z]$/.test(first)
    const names = isLetter ? await foldersIn(join(root, first)) : [first]
    for (const name of names) {
      if (only !== undefined && name !== only) continue
      const path = isLetter ? join(root, first, name) : join(root, name)
      for (const number of await foldersIn(path)) {
        if (/^\d{1,15}$/.test(number)) found.push({ name, number: Number(number), path: join(path, number) })
      }
    }
  }
  return found
}

async function readReleaseFolder(release: ReleaseFolder, options: ReadOptions): Promise<PackageDefinition> {
  const json = async (name: string): Promise<Json | undefined> => {
    const text = await readText(join(release.path, name), name)
    return text === undefined ? undefined : parseFile(text, name)
  }
  const described = await json('package.json')
  if (described === undefined) throw new FormatProblem('package.json', 'is missing')
  const files: ReleaseFiles = {
    package: described,
    config: await json('config.json'),
    resource: await json('resource.json'),
    command: await json('command.json'),
    template: await readText(join(release.path, 'marathon.json.mustache'), 'marathon.json.mustache'),
  }
  const definition = readRelease(files, release.number, options)
  if (definition.name !== release.name) {
    throw new FormatProblem('package.json.name', `must be the name of its folder, ${release.name}`)
  }
  return definition
}

function parseFile(text: string, name: string): Json {
  try {
    return parseJson(text)
  } catch (error) {
    if (error instanceof JsonProblem) throw new FormatProblem(name, `is not JSON: ${error.message}`)
    throw error
  }
}

/** Undefined when there is no such file. */
async function readText(path: string, name: string): Promise<string | undefined> {
  try {
    const found = await stat(path)
    if (!found.isFile()) return undefined
    if (found.size > maxFileBytes) throw new FormatProblem(name, `is larger than ${maxFileBytes} bytes`)
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined
    throw error
  }
}
