import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseStat, readBootId, readStat } from './containers/proc.ts'

/**
 * Makes sure that one agent uses a work folder: two would take each other's tasks for their own. The file names the process and
 * its start time, so that what a killed agent left does not count.
 * @returns a function that gives the folder free
 * @throws {Error} naming the process that uses it
 */
export function lockWorkDir(workDir: string): () => void {
  mkdirSync(workDir, { recursive: true })
  const path = join(workDir, 'agent.lock')
  const own = `${readBootId()}\n${statLine()}`
  const holder = holderOf(path)
  if (holder !== undefined)
    throw new Error(`the agent of process ${holder} uses ${workDir}; stop it, or choose another --work-dir`)
  writeFileSync(path, own)
  return () => rmSync(path, { force: true })
}

function holderOf(path: string): number | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
  const [bootId, line = ''] = text.split('\n')
  const stored = parseStat(line)
  if (bootId !== readBootId() || stored === undefined) return undefined
  return readStat(stored.pid)?.startTime === stored.startTime ? stored.pid : undefined
}

function statLine(): string {
  return readFileSync('/proc/self/stat', 'utf8')
}
