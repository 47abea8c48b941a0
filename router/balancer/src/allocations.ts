import { type Store, StoreError } from '@meseta/common/coordination/store'
import { asText, field } from '@meseta/common/discovery/reading'
import { decodeRecord, encodeRecord } from './stored.ts'
import { AddressBook } from './table/addresses.ts'

const folder = '/balancer/addresses'
/** Records read at a time when they are loaded. */
const readers = 64

/** All 65,534 addresses of the plane belong to virtual IPs that have backends. */
export class AddressesUsedUp extends Error {
  constructor() {
    super('all addresses of 127.11.0.0/16 are in use: remove virtual IPs, or give several ports to one name')
    this.name = 'AddressesUsedUp'
  }
}

/**
 * Which address each virtual IP has, written in the Store before it is used: one record an address, created by whoever takes it, so two balancers can
 * not give one address to two names. Kept across restarts, and after the last backend has left until the addresses run out.
 */
export class Allocations {
  readonly #store: Store
  readonly #book: AddressBook
  readonly #inWork = new Map<string, Promise<string>>()

  constructor(store: Store, book = new AddressBook()) {
    this.#store = store
    this.#book = book
  }

  /** Reads what was allocated before. */
  async load(): Promise<void> {
    const addresses = await this.#store.list(folder)
    for (let at = 0; at < addresses.length; at += readers)
      await Promise.all(addresses.slice(at, at + readers).map(address => this.#read(address)))
  }

  /** The address of a virtual IP, when it is known without asking. */
  of(name: string): string | undefined {
    return this.#book.of(name)
  }

  /** The address of a virtual IP; its own again when it had one. `isUsed` says which names must keep theirs when none is free. */
  allocate(name: string, isUsed: (name: string) => boolean): Promise<string> {
    const running = this.#inWork.get(name)
    if (running !== undefined) return running
    const work = this.#allocate(name, isUsed).finally(() => this.#inWork.delete(name))
    this.#inWork.set(name, work)
    return work
  }

  async #allocate(name: string, isUsed: (name: string) => boolean): Promise<string> {
    for (;;) {
      const known = this.#book.of(name)
      if (known !== undefined) return known
      const address = this.#book.propose(name) ?? (await this.#makeRoom(isUsed))
      try {
        await this.#store.create(`${folder}/${address}`, encodeRecord({ name }))
        this.#book.claim(address, name)
      } catch (error) {
        if (!(error instanceof StoreError) || error.code !== 'CONFLICT') throw error
        await this.#read(address)
      }
    }
  }

  async #read(address: string): Promise<void> {
    const path = `${folder}/${address}`
    const record = await this.#store.get(path)
    if (record === undefined) return
    const name = decodeRecord(record, path, body => asText(field(body, 'name')))
    this.#book.claim(address, name)
  }

  /** Takes an address from a virtual IP that has no backend. */
  async #makeRoom(isUsed: (name: string) => boolean): Promise<string> {
    for (const name of this.#book.names()) {
      if (isUsed(name)) continue
      const address = this.#book.release(name)
      const record = address && (await this.#store.get(`${folder}/${address}`))
      if (!address || !record) continue
      await this.#store.delete(`${folder}/${address}`, record.version)
      return address
    }
    throw new AddressesUsedUp()
  }
}
