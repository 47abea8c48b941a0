import { isAbsolute, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CatalogError } from '../problems.ts'
import type { Repository } from './record.ts'

/** The catalog that Meseta brings along. */
export const builtIn: Repository = { name: 'Meseta', uri: 'meseta:built-in' }

/** Where a repository is. */
export type Location =
  | { readonly kind: 'built-in' }
  | { readonly kind: 'http' }
  | { readonly kind: 'folder'; readonly path: string }

/** Throws `RepositoryUriSyntax`, or `UnsupportedRepositoryUri` for a scheme we do not read. */
export function locate(repository: Repository): Location {
  const { uri } = repository
  if (uri === builtIn.uri) return { kind: 'built-in' }
  if (isAbsolute(uri)) return { kind: 'folder', path: uri }
  if (!URL.canParse(uri))
    throw new CatalogError('RepositoryUriSyntax', { repository, cause: 'it is no absolute address' })
  const url = new URL(uri)
  if (url.protocol === 'http:' || url.protocol === 'https:') return { kind: 'http' }
  if (url.protocol !== 'file:') throw new CatalogError('UnsupportedRepositoryUri', { uri })
  try {
    return { kind: 'folder', path: fileURLToPath(url) }
  } catch (error) {
    throw new CatalogError('RepositoryUriSyntax', { repository, cause: (error as Error).message })
  }
}

/**
 * A repository as an operator names it in a flag: `<uri>` or `<name>=<uri>`, where the uri is an address or a folder; a relative
 * folder counts from where the process runs. Without a name it is called by its last part.
 */
export function repositoryOfFlag(text: string): Repository {
  const named = /^([A-Za-z0-9 ._-]{1,100})=(.+)$/.exec(text)
  const uri = absolute(named?.[2] ?? text)
  const last = uri.replace(/\/+$/, '').split('/').at(-1) ?? uri
  return { name: named?.[1] ?? last, uri }
}

const absolute = (uri: string): string => (/^[a-z][a-z0-9+.-]*:/i.test(uri) ? uri : resolve(uri))
