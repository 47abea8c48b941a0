import { createHash } from 'node:crypto'

/** The portable plane's addresses, 127.11.0.1 to 127.11.255.254: loopback, so nothing on the host is changed (decision 13). */
const planeSize = 65_534

const addressAt = (index: number): string => `127.11.${(index + 1) >> 8}.${(index + 1) & 255}`

/**
 * Which address belongs to which virtual IP. The place of a name is chosen by its hash, the next free one on collision, and kept. Pure: what it
 * proposes is only theirs once it has been written down (`claim`).
 */
export class AddressBook {
  readonly #owners = new Map<string, string>()
  readonly #addresses = new Map<string, string>()
  readonly #size: number

  /** `size`: how many addresses there are. */
  constructor(size = planeSize) {
    this.#size = size
  }

  of(name: string): string | undefined {
    return this.#addresses.get(name)
  }

  /** The address that the name has, or the first one of its own that nobody has; `undefined` when all are taken. */
  propose(name: string): string | undefined {
    const own = this.#addresses.get(name)
    if (own !== undefined) return own
    const start = createHash('sha1').update(name).digest().readUInt32BE(0) % this.#size
    for (let step = 0; step < this.#size; step++) {
      const address = addressAt((start + step) % this.#size)
      if (!this.#owners.has(address)) return address
    }
    return undefined
  }

  /** The address is the name's, by what the store says. Of two for one name the first counts. */
  claim(address: string, name: string): void {
    this.#owners.set(address, name)
    if (!this.#addresses.has(name)) this.#addresses.set(name, address)
  }

  release(name: string): string | undefined {
    const address = this.#addresses.get(name)
    if (address === undefined) return undefined
    this.#addresses.delete(name)
    this.#owners.delete(address)
    return address
  }

  names(): readonly string[] {
    return [...this.#addresses.keys()]
  }
}

/** Whether an address that an app asked for is one of this machine alone, and so can be used as it is. */
export const isOwnLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1'
