import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Logger } from 'pino'
import { createLogger, type LogLevel } from './logger.ts'

/** The log begins a new file at this size; one older file is kept. */
const rotateAt = 10 * 2 ** 20

/**
 * A component's own log, which its files API shows. Warnings and errors, or all lines, also go to the log of the process, as far as
 * that takes them.
 */
export function openOwnLog(
  name: string,
  path: string,
  processLog: Logger,
  echoed: 'warnings' | 'all' = 'warnings',
): Logger {
  mkdirSync(dirname(path), { recursive: true })
  // It is there to be read before there is anything to tell.
  appendFileSync(path, '')
  const echoes = echoed === 'all' ? /^\{"level":"(\w+)"/ : /^\{"level":"(warn|error|fatal)"/
  let size = sizeOf(path)
  const write = (line: string) => {
    if (size + line.length > rotateAt) {
      renameSync(path, `${path}.1`)
      size = 0
    }
    appendFileSync(path, line)
    size += line.length
    const level = echoes.exec(line)?.[1] as Exclude<LogLevel, 'silent'> | undefined
    if (level === undefined || !processLog.isLevelEnabled(level)) return
    const { msg, level: _level, time: _time, component: _component, ...fields } = JSON.parse(line)
    processLog[level](fields, msg)
  }
  const stream = {
    write(line: string) {
      try {
        write(line)
      } catch {
        // A full disk costs lines of the log and nothing else.
      }
    },
  }
  return createLogger({ name, level: processLog.level as LogLevel, stream })
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size
  } catch {
    return 0
  }
}
