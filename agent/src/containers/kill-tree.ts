import type { Clock } from '@meseta/common/service/clock'
import { isAlive, type ProcessId, type ProcessStat, readStat } from './proc.ts'
import type { ProcessTable } from './process-table.ts'
import { sleep } from './sleep.ts'

const sigkill = 9
/** A tree that forks while it is killed is read again, so often at once, then after a pause. */
const roundsAtOnce = 4
const roundsAtMost = 40
const pause = 50

/** What a container's processes are known by, and where they are looked up. */
export interface Tree {
  readonly table: ProcessTable
  readonly supervisor: ProcessId
  readonly mark: string
}

/**
 * Sends a signal to every process of a container; the supervisor stays, to tell of the end. One that has just started may have no
 * process yet: it is looked at again for a second.
 */
export async function signalStarted(clock: Clock, tree: Tree, signal: number): Promise<void> {
  for (let round = 0; round < 20; round++) {
    const processes = await tree.table.look()
    const signalled = signalAll(processes.ofContainer(tree.supervisor, tree.mark), signal)
    if (signalled > 0 || !processes.runs(tree.supervisor)) return
    await sleep(clock, pause)
  }
}

/** Kills what is left of a container, until nothing is: a tree that keeps forking is read again. */
export async function killMembers(clock: Clock, tree: Tree): Promise<void> {
  for (let round = 0; round < roundsAtMost; round++) {
    if (signalAll(await membersNow(tree), sigkill) === 0) return
    await sleep(clock, round < roundsAtOnce ? 1 : pause)
  }
}

/** Kills one process, if it is still the one that is meant. */
export function killProcess({ pid, startTime }: ProcessId): void {
  const stat = readStat(pid)
  if (isAlive(stat) && stat.startTime === startTime) signalAll([stat], sigkill)
}

/** Waits until nothing of a container is left, at most `limit` milliseconds. */
export async function waitForMembers(clock: Clock, tree: Tree, limit: number): Promise<void> {
  const end = clock.monotonic() + limit
  while (clock.monotonic() < end && (await membersNow(tree)).length > 0) await sleep(clock, pause)
}

async function membersNow({ table, supervisor, mark }: Tree): Promise<ProcessStat[]> {
  return (await table.look()).ofContainer(supervisor, mark)
}

function signalAll(members: readonly ProcessStat[], signal: number): number {
  for (const { pid } of members) {
    try {
      process.kill(pid, signal)
    } catch {
      // It has just ended, or has become another user's: nothing more can be done about it.
    }
  }
  return members.length
}
