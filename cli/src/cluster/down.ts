import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { milliseconds } from '../client/numbers.ts'
import { Failure } from '../output/failure.ts'
import { note, printJson } from '../output/print.ts'
import { readClusterFile } from './cluster-file.ts'
import { owner } from './owner.ts'
import { startTime } from './process-identity.ts'
import { workDir as chooseWorkDir } from './work-dir.ts'

export interface DownOptions {
  readonly keepTasks: boolean
  readonly timeout: string
  readonly json: boolean
  readonly workDir?: string
}

/** `meseta down`: ends the cluster of a work-dir, whether or not its `meseta up` still lives. */
export async function down(options: DownOptions): Promise<void> {
  const timeout = milliseconds(options.timeout)
  const folder = chooseWorkDir(options.workDir)
  const alive = owner(folder)
  if (alive) await tellOwner(folder, alive.pid, alive.startTime, options.keepTasks, timeout)
  const { endLeftovers } = await import('./up-processes.ts')
  const left = await endLeftovers(folder, { keepTasks: options.keepTasks, timeout }, note)
  const ended = alive !== undefined || left > 0
  if (options.json) printJson({ ended, keepTasks: options.keepTasks, workDir: folder })
  else note(ended ? `the cluster in ${folder} has ended` : nothingRuns(folder))
}

function nothingRuns(folder: string): string {
  return readClusterFile(folder)
    ? `no process of the cluster in ${folder} runs; tasks it left go on, \`meseta up\` adopts them`
    : `no cluster runs in ${folder}`
}

async function tellOwner(
  folder: string,
  pid: number,
  started: string,
  keepTasks: boolean,
  timeout: number,
): Promise<void> {
  const wish = join(folder, 'down.json')
  mkdirSync(folder, { recursive: true })
  writeFileSync(wish, JSON.stringify({ keepTasks }))
  try {
    process.kill(pid, 'SIGTERM')
    const deadline = Date.now() + timeout
    while (startTime(pid) === started) {
      if (Date.now() > deadline) {
        throw new Failure(`the cluster (process ${pid}) has not ended after ${timeout / 1000} s`, {
          exit: 'timeout',
          hint: `its log is in ${join(folder, 'log')}; --timeout waits longer`,
        })
      }
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  } finally {
    rmSync(wish, { force: true })
  }
}
