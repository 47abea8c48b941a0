import { CatalogError } from '../problems.ts'
import { maxRepositories, type Repository } from './record.ts'

/** The list with one more repository: at `index`, or at the end (catalog contract 5, repository/add). */
export function withAdded(list: readonly Repository[], added: Repository, index: number | undefined): Repository[] {
  const sameName = list.some(({ name }) => name === added.name)
  const sameUri = list.some(({ uri }) => uri === added.uri)
  if (sameName || sameUri) {
    throw new CatalogError('RepositoryAlreadyPresent', {
      ...(sameName ? { name: added.name } : {}),
      ...(sameUri ? { uri: added.uri } : {}),
    })
  }
  if (index !== undefined && (index < 0 || index > list.length)) {
    throw new CatalogError('RepositoryAddIndexOutOfBounds', { attempted: index, max: list.length })
  }
  if (list.length >= maxRepositories) throw new CatalogError('TooManyRepositories', { max: maxRepositories })
  return list.toSpliced(index ?? list.length, 0, { name: added.name, uri: added.uri })
}

/** The list without the named repository; name and uri, when both are given, must be of the same entry. */
export function withDeleted(list: readonly Repository[], wanted: { name?: string; uri?: string }): Repository[] {
  const { name, uri } = wanted
  if (name === undefined && uri === undefined) throw new CatalogError('RepoNameOrUriMissing', {})
  const matches = (one: Repository) => (name ?? one.name) === one.name && (uri ?? one.uri) === one.uri
  if (!list.some(matches)) {
    throw new CatalogError('RepositoryNotPresent', {
      ...(name === undefined ? {} : { name }),
      ...(uri === undefined ? {} : { uri }),
    })
  }
  return list.filter(one => !matches(one))
}
