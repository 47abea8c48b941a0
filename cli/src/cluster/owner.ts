import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../output/failure.ts'
import { lives, startTime } from './process-identity.ts'

/** Which `meseta up` owns a work-dir, and in which form its cluster runs. */
export interface Owner {
  readonly pid: number
  readonly startTime: string
  readonly mode: 'embedded' | 'processes'
}

const pathOf = (workDir: string) => join(workDir, 'up.json')

/** The living owner of a work-dir, or undefined. */
export function owner(workDir: string): Owner | undefined {
  try {
    const found = JSON.parse(readFileSync(pathOf(workDir), 'utf8')) as Owner
    return lives(found) ? found : undefined
  } catch {
    return undefined
  }
}

/** Takes a work-dir for this process, or says who has it. Of several that want it at the same time one gets it. */
export function takeWorkDir(workDir: string, mode: Owner['mode']): void {
  mkdirSync(workDir, { recursive: true, mode: 0o700 })
  const path = pathOf(workDir)
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, JSON.stringify({ pid: process.pid, startTime: startTime(process.pid) ?? '', mode }))
  try {
    // Unlike a rename, a link takes nobody's place.
    linkSync(draft, path)
  } catch {
    refuseTaken(workDir)
    renameSync(draft, path)
  } finally {
    rmSync(draft, { force: true })
  }
  refuseTaken(workDir)
}

function refuseTaken(workDir: string): void {
  const other = owner(workDir)
  if (!other || other.pid === process.pid) return
  throw new Failure(`a cluster already runs in ${workDir} (process ${other.pid})`, {
    exit: 'conflict',
    hint: '`meseta status` shows it, `meseta down` ends it; --work-dir starts another one elsewhere',
  })
}

export function releaseWorkDir(workDir: string): void {
  rmSync(pathOf(workDir), { force: true })
}
