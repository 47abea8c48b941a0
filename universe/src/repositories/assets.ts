import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import type { Readable } from 'node:stream'
import type { PackageDefinition } from '../render/package.ts'

/** Files of built-in packages have addresses `meseta:built-in/<package>/<release>/<file>`; they lie beside the package's files. */
const prefix = 'meseta:built-in/'

const types: Readonly<Record<string, string>> = {
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
}

export interface Asset {
  readonly contentType: string
  readonly length: number
  readonly content: Readable
}

export const isBuiltInAsset = (url: string): boolean => url.startsWith(prefix)

/** Opens an asset that a built-in package names. Undefined when its address is not well formed or there is no such file. */
export async function openAsset(
  folder: string,
  url: string,
  definition: Pick<PackageDefinition, 'name' | 'releaseVersion'>,
): Promise<Asset | undefined> {
  const own = `${prefix}${definition.name}/${definition.releaseVersion}/`
  const file = url.slice(own.length)
  if (!url.startsWith(own) || !/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(file)) return undefined
  const letter = definition.name[0]!.toUpperCase()
  const path = join(folder, letter, definition.name, String(definition.releaseVersion), file)
  const found = await stat(path).catch(() => undefined)
  if (!found?.isFile()) return undefined
  const contentType = types[extname(file)] ?? 'application/octet-stream'
  return { contentType, length: found.size, content: createReadStream(path) }
}
