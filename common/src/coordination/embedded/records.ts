import type { RootDatabase } from 'lmdb'
import { nameOf, parentOf } from '../paths.ts'
import type { Versioned } from '../store.ts'
import type { Records } from '../tree.ts'

const versionBytes = 4

/** `<folder> NUL <name>`: the children of a folder lie side by side. Paths hold no control characters. */
const keyOf = (path: string): Buffer => Buffer.from(`${parentOf(path)}\0${nameOf(path)}`)

/** The records of a tree in an lmdb database: four bytes of version, then the value. Writes belong in a transaction. */
export class LmdbRecords implements Records {
  readonly #db: RootDatabase<Buffer, Buffer>

  constructor(db: RootDatabase<Buffer, Buffer>) {
    this.#db = db
  }

  get(path: string): Versioned | undefined {
    const found = this.#db.get(keyOf(path))
    // The bytes that lmdb gives may be used again by its next read.
    return found && { version: found.readUInt32LE(0), value: new Uint8Array(found.subarray(versionBytes)) }
  }

  put(path: string, { value, version }: Versioned): void {
    const stored = Buffer.allocUnsafe(versionBytes + value.length)
    stored.writeUInt32LE(version, 0)
    stored.set(value, versionBytes)
    this.#db.put(keyOf(path), stored)
  }

  remove(path: string): void {
    this.#db.remove(keyOf(path))
  }

  names(path: string): string[] {
    return this.#children(path).map(key => key.subarray(key.indexOf(0) + 1).toString())
  }

  hasChildren(path: string): boolean {
    return this.#children(path, 1).length > 0
  }

  #children(path: string, limit?: number): Buffer[] {
    const range = { start: Buffer.from(`${path}\0`), end: Buffer.from(`${path}\x01`) }
    return [...this.#db.getKeys(limit === undefined ? range : { ...range, limit })]
  }
}
