import type { Clock } from '@meseta/common/service/clock'
import { isAlive, membersOf, type ProcessId, type ProcessStat, readAllStats, readStat } from './proc.ts'

const sigkill = 9
/** A tree that forks while it is killed is read again, so often at once, then after a pause. */
const roundsAtOnce = 4
const roundsAtMost = 40
const pause = 50

/** Sends a signal to every process of a container; the supervisor stays, to tell of the end. */
export function signalMembers(supervisor: ProcessId, signal: number): number {
  return signalAll(membersOf(supervisor, readAllStats()), signal)
}

/** The same for a supervisor that may have just started, and has no process yet: it is looked at again for a second. */
export async function signalStarted(clock: Clock, supervisor: ProcessId, signal: number): Promise<void> {
  for (let round = 0; round < 20; round++) {
    if (signalMembers(supervisor, signal) > 0 || !isAlive(readStat(supervisor.pid))) return
    await sleep(clock, pause)
  }
}

/** Kills what is left of a container, until nothing is: a tree that keeps forking is read again. */
export async function killMembers(clock: Clock, supervisor: ProcessId): Promise<void> {
  for (let round = 0; round < roundsAtMost; round++) {
    if (signalMembers(supervisor, sigkill) === 0) return
    await sleep(clock, round < roundsAtOnce ? 1 : pause)
  }
}

/** Kills one process, if it is still the one that is meant. */
export function killProcess({ pid, startTime }: ProcessId): void {
  const stat = readStat(pid)
  if (isAlive(stat) && stat.startTime === startTime) signalAll([stat], sigkill)
}

/** Waits until nothing of a container is left, at most `limit` milliseconds. */
export async function waitForMembers(clock: Clock, supervisor: ProcessId, limit: number): Promise<void> {
  const end = clock.monotonic() + limit
  while (clock.monotonic() < end && membersOf(supervisor, readAllStats()).length > 0) await sleep(clock, pause)
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

function sleep(clock: Clock, delay: number): Promise<void> {
  return new Promise(resolve => {
    clock.after(delay, resolve)
  })
}
