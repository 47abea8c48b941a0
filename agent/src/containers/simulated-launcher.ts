import type { ContainerID, ResourceStatistics } from '@meseta/common/protocol/mesos'
import type { Clock } from '@meseta/common/service/clock'
import {
  type ContainerSpec,
  containerKey,
  type Exit,
  LaunchError,
  type Launcher,
  type RecoveredContainer,
} from './launcher.ts'

/** What becomes of a simulated container: how it ends by itself and after how long (ms), or that it can not be launched. */
export type Fate =
  | { readonly ends?: { readonly after: number; readonly exit: Exit } }
  | { readonly fails: { readonly message: string } }

interface SimulatedContainer {
  readonly id: ContainerID
  pid: number | undefined
  exit: Exit | undefined
  readonly ended: PromiseWithResolvers<Exit>
}

/**
 * The containers of a simulated machine. It outlives the agents that use it, as real containers do: a new launcher on the same
 * machine recovers them. The signals 15 and 9 end a container at once.
 */
export class SimulatedMachine {
  readonly containers = new Map<string, SimulatedContainer>()
  readonly #clock: Clock
  readonly #fateOf: (spec: ContainerSpec) => Fate
  #nextPid = 100

  constructor(clock: Clock, fateOf: (spec: ContainerSpec) => Fate) {
    this.#clock = clock
    this.#fateOf = fateOf
  }

  launcher(): Launcher {
    return new SimulatedLauncher(this)
  }

  prepare(spec: ContainerSpec): void {
    const fate = this.#fateOf(spec)
    if ('fails' in fate) throw new LaunchError(fate.fails.message)
    const container = { id: spec.id, pid: undefined, exit: undefined, ended: Promise.withResolvers<Exit>() }
    this.containers.set(containerKey(spec.id), container)
  }

  start(spec: ContainerSpec): number {
    const container = this.containers.get(containerKey(spec.id))
    if (container === undefined) throw new LaunchError('the container was killed before it started')
    container.pid = this.#nextPid++
    const fate = this.#fateOf(spec)
    if ('ends' in fate && fate.ends !== undefined) {
      const { after, exit } = fate.ends
      this.#clock.after(after, () => this.end(spec.id, exit))
    }
    return container.pid
  }

  end(id: ContainerID, exit: Exit): void {
    const container = this.containers.get(containerKey(id))
    if (container === undefined || container.exit !== undefined) return
    container.exit = exit
    container.ended.resolve(exit)
  }

  /** A restart of the machine: nothing runs any more. */
  reboot(): void {
    for (const { id } of [...this.containers.values()])
      this.end(id, { kind: 'lost', detail: 'the machine was restarted' })
  }
}

class SimulatedLauncher implements Launcher {
  readonly #machine: SimulatedMachine
  constructor(machine: SimulatedMachine) {
    this.#machine = machine
  }

  async prepare(spec: ContainerSpec): Promise<void> {
    this.#machine.prepare(spec)
  }

  async start(spec: ContainerSpec): Promise<{ pid: number }> {
    return { pid: this.#machine.start(spec) }
  }

  async wait(id: ContainerID): Promise<Exit> {
    const container = this.#machine.containers.get(containerKey(id))
    return container === undefined ? { kind: 'lost', detail: 'it is unknown' } : container.ended.promise
  }

  async kill(id: ContainerID, signal: number): Promise<void> {
    const container = this.#machine.containers.get(containerKey(id))
    if (container?.pid === undefined) this.#machine.containers.delete(containerKey(id))
    else this.#machine.end(id, { kind: 'signalled', signal })
  }

  async reap(): Promise<void> {}

  async remove(id: ContainerID): Promise<void> {
    this.#machine.containers.delete(containerKey(id))
  }

  async statistics(): Promise<ResourceStatistics | undefined> {
    return undefined
  }

  async recover(): Promise<RecoveredContainer[]> {
    return [...this.#machine.containers.values()].map(({ id, pid, exit }) => {
      if (exit !== undefined) return { id, state: { kind: 'ended', exit } }
      return { id, state: pid === undefined ? { kind: 'never-started' } : { kind: 'running', pid } }
    })
  }

  async close(): Promise<void> {}
}
