import type { Store } from '@meseta/common/coordination/store'
import { noSettings, type Settings } from '../state/commands.ts'
import { readRecord, registryFormat } from './record.ts'

/** What operators have set, a record each: `weights`, `quotas`, `maintenance`. Writes of one record come one after the other. */
export class SettingRecords {
  readonly #store: Store
  readonly #root: string
  /** By setting; undefined while there is no record. */
  readonly #versions = new Map<keyof Settings, number>()

  /** `root`: the path above the records. */
  constructor(store: Store, root: string) {
    this.#store = store
    this.#root = root
  }

  async read(): Promise<Settings> {
    const [weights, quotas, maintenance] = await Promise.all([
      this.#readOne('weights'),
      this.#readOne('quotas'),
      this.#readOne('maintenance'),
    ])
    return { weights, quotas, maintenance }
  }

  async write<Name extends keyof Settings>(name: Name, value: Settings[Name]): Promise<void> {
    const bytes = Buffer.from(JSON.stringify({ format: registryFormat, value }))
    const path = this.#path(name)
    const version = this.#versions.get(name)
    this.#versions.set(
      name,
      version === undefined ? await this.#store.create(path, bytes) : await this.#store.set(path, bytes, version),
    )
  }

  async #readOne<Name extends keyof Settings>(name: Name): Promise<Settings[Name]> {
    const path = this.#path(name)
    const found = await this.#store.get(path)
    if (!found) return noSettings[name]
    this.#versions.set(name, found.version)
    return readRecord<{ value: Settings[Name] }>(path, found.value).value
  }

  #path(name: keyof Settings): string {
    return `${this.#root}/${name}`
  }
}
