import { type FSWatcher, watch } from 'node:fs'
import type { Clock, Timer } from '@meseta/common/service/clock'
import type { Exit } from './launcher.ts'
import { isAlive, type ProcessId, readStat } from './proc.ts'

/** How often an adopted supervisor is looked at, in case it was killed and so wrote nothing, in milliseconds. */
const livenessInterval = 2_000

/**
 * Waits for the end of a container whose supervisor is not a child of this process: for its exit file by an event of the file
 * system, for a supervisor that was killed by a look now and then.
 */
export function watchExit(
  clock: Clock,
  folder: string,
  supervisor: ProcessId,
  readExit: () => Exit | undefined,
): { ended: Promise<Exit>; stop(): void } {
  const { promise, resolve } = Promise.withResolvers<Exit>()
  let watcher: FSWatcher | undefined
  let timer: Timer | undefined
  const stop = () => {
    watcher?.close()
    timer?.cancel()
  }
  const settle = (exit: Exit) => {
    stop()
    resolve(exit)
  }
  const lookForExit = () => {
    const exit = readExit()
    if (exit !== undefined) settle(exit)
    return exit !== undefined
  }
  const lookForSupervisor = () => {
    try {
      const stat = readStat(supervisor.pid)
      if (isAlive(stat) && stat.startTime === supervisor.startTime) return
    } catch {
      // It can not be seen now, which is not the same as being gone.
      return
    }
    // Between the two looks it may have ended in order.
    if (!lookForExit()) settle({ kind: 'lost', detail: 'its supervisor was killed' })
  }
  timer = clock.every(livenessInterval, lookForSupervisor)
  try {
    watcher = watch(folder, lookForExit)
    watcher.on('error', () => watcher?.close())
  } catch {
    // Out of inotify watches: the looks are enough, only slower.
  }
  if (!lookForExit()) lookForSupervisor()
  return { ended: promise, stop }
}
