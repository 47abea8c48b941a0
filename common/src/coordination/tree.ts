import { checkFolder, checkPath, foldersOf, parentOf } from './paths.ts'
import { maxRecordBytes, StoreError, type Versioned } from './store.ts'

/** Where the records of a tree are kept. */
export interface Records {
  get(path: string): Versioned | undefined
  put(path: string, record: Versioned): void
  remove(path: string): void
  /** Names of the children, in any order. */
  names(path: string): string[]
  hasChildren(path: string): boolean
}

/** What one operation asks of a tree. */
export type Operation =
  | { readonly kind: 'get'; readonly path: string }
  | { readonly kind: 'list'; readonly path: string }
  | { readonly kind: 'create'; readonly path: string; readonly value: Uint8Array }
  | { readonly kind: 'set'; readonly path: string; readonly value: Uint8Array; readonly version: number }
  | { readonly kind: 'delete'; readonly path: string; readonly version: number }

/** One thing that watchers may want to know. */
export interface Change {
  readonly path: string
  readonly what: 'data' | 'children'
}

/** Whether an operation changes the tree. */
export const isWrite = (operation: Operation): boolean => operation.kind !== 'get' && operation.kind !== 'list'

const nothing = new Uint8Array(0)

/** Throws INVALID for an operation that no engine takes. */
export function checkOperation(operation: Operation): void {
  const { kind, path } = operation
  if (kind === 'list') checkFolder(path)
  else checkPath(path)
  if (kind === 'create' || kind === 'set') checkValue(path, operation.value)
  if (kind === 'set' || kind === 'delete') checkVersion(path, operation.version)
}

function checkValue(path: string, value: Uint8Array): void {
  if (!(value instanceof Uint8Array)) throw new StoreError('INVALID', path, `the value of ${path} is not bytes`)
  if (value.length > maxRecordBytes)
    throw new StoreError(
      'INVALID',
      path,
      `${path} would hold ${value.length} bytes; a record holds at most ${maxRecordBytes}: split it`,
    )
}

function checkVersion(path: string, version: number): void {
  if (!Number.isSafeInteger(version) || version < 0)
    throw new StoreError('INVALID', path, `${String(version)} is not a version of ${path}: versions are 0, 1, 2 …`)
}

/** A record with this path exists already. */
export const exists = (path: string): StoreError => new StoreError('CONFLICT', path, `${path} exists already`)

/** No record has this path. */
export const missing = (path: string): StoreError => new StoreError('NOT_FOUND', path, `there is no record ${path}`)

/** The record has another version than the caller saw. */
export const stale = (path: string, wanted: number, found?: number): StoreError =>
  new StoreError(
    'CONFLICT',
    path,
    `${path} has ${found === undefined ? 'another version' : `version ${found}`}, not ${wanted}: read it again`,
  )

/** The record has children. */
export const notEmpty = (path: string): StoreError =>
  new StoreError('NOT_EMPTY', path, `${path} has children: delete them first`)

/**
 * Does one checked operation, adds what changed to `changes`, and answers what the Store answers; throws StoreError and
 * changes nothing when the operation is refused. The rules of a tree stand here and nowhere else.
 */
export function perform(
  records: Records,
  operation: Operation,
  changes: Change[],
): Versioned | undefined | string[] | number {
  const { path } = operation
  switch (operation.kind) {
    case 'get':
      return records.get(path)
    case 'list':
      return records.names(path).sort()
    case 'create':
      if (records.get(path)) throw exists(path)
      for (const folder of foldersOf(path)) if (!records.get(folder)) add(records, folder, nothing, changes)
      add(records, path, operation.value, changes)
      return 0
    case 'set': {
      const version = expect(records, path, operation.version) + 1
      records.put(path, { value: operation.value, version })
      changes.push({ path, what: 'data' })
      return version
    }
    case 'delete':
      expect(records, path, operation.version)
      if (records.hasChildren(path)) throw notEmpty(path)
      records.remove(path)
      changes.push({ path, what: 'data' }, { path: parentOf(path), what: 'children' })
      return undefined
  }
}

function add(records: Records, path: string, value: Uint8Array, changes: Change[]): void {
  records.put(path, { value, version: 0 })
  changes.push({ path, what: 'data' }, { path: parentOf(path), what: 'children' })
}

function expect(records: Records, path: string, version: number): number {
  const found = records.get(path)
  if (!found) throw missing(path)
  if (found.version !== version) throw stale(path, version, found.version)
  return version
}
