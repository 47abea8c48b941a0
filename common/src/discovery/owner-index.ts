/** Which keys belong to an owner: the tasks on an agent, of a framework. Empty sets are forgotten. */
export class OwnerIndex {
  readonly #keys = new Map<string, Set<string>>()

  add(owner: string, key: string): void {
    const keys = this.#keys.get(owner)
    if (keys === undefined) this.#keys.set(owner, new Set([key]))
    else keys.add(key)
  }

  remove(owner: string, key: string): void {
    const keys = this.#keys.get(owner)
    if (keys?.delete(key) && keys.size === 0) this.#keys.delete(owner)
  }

  /** A copy: keys may be added and removed while it is walked. */
  of(owner: string): readonly string[] {
    return [...(this.#keys.get(owner) ?? [])]
  }
}
