import type { Volumes } from './volumes.ts'

/** The volumes of a simulated machine: their paths. */
export class MemoryVolumes implements Volumes {
  readonly paths = new Set<string>()

  async make(path: string): Promise<void> {
    this.paths.add(path)
  }

  async drop(path: string): Promise<void> {
    this.paths.delete(path)
  }
}
