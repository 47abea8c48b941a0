import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClusterProcess } from './cluster-file.ts'
import { lives } from './process-identity.ts'

/** A process of the cluster as it is remembered over the life of `meseta up`. */
export interface KnownProcess extends ClusterProcess {
  readonly startTime: string
  /** The addresses it was started with: its own and those it speaks to. */
  readonly places?: string
}

const pathOf = (workDir: string) => join(workDir, 'processes.json')

/** The processes that were started for a work-dir and still run: same pid, same start time. */
export function livingProcesses(workDir: string): KnownProcess[] {
  try {
    const known = JSON.parse(readFileSync(pathOf(workDir), 'utf8')) as KnownProcess[]
    return known.filter(lives)
  } catch {
    return []
  }
}

export function writeProcesses(workDir: string, processes: readonly KnownProcess[]): void {
  mkdirSync(workDir, { recursive: true, mode: 0o700 })
  const draft = `${pathOf(workDir)}.${process.pid}`
  writeFileSync(draft, `${JSON.stringify(processes, null, 2)}\n`)
  renameSync(draft, pathOf(workDir))
}

export function forgetProcesses(workDir: string): void {
  rmSync(pathOf(workDir), { force: true })
}

/** Ends a process: SIGTERM, and SIGKILL after the grace period (milliseconds). Resolves when it is gone. */
export async function endProcess(known: KnownProcess, grace = 12_000): Promise<void> {
  const { pid } = known
  if (!lives(known)) return
  const deadline = Date.now() + grace
  let killed = false
  signal(pid, 'SIGTERM')
  while (lives(known)) {
    if (!killed && Date.now() > deadline) {
      signal(pid, 'SIGKILL')
      killed = true
    }
    await new Promise(resolve => setTimeout(resolve, 30))
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended in the meantime.
  }
}
