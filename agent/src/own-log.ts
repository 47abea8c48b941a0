import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { createLogger, type LogLevel } from '@meseta/common/service/logger'
import type { Logger } from 'pino'

/** The log begins a new file at this size; one older file is kept. */
const rotateAt = 10 * 2 ** 20

/**
 * The agent's own log, which the files API shows as `/slave/log`. Warnings and errors also go to the log of the process.
 */
export function openOwnLog(path: string, processLog: Logger): Logger {
  mkdirSync(dirname(path), { recursive: true })
  // It is there to be read before there is anything to tell.
  appendFileSync(path, '')
  let size = sizeOf(path)
  const write = (line: string) => {
    if (size + line.length > rotateAt) {
      renameSync(path, `${path}.1`)
      size = 0
    }
    appendFileSync(path, line)
    size += line.length
    const level = /^\{"level":"(warn|error|fatal)"/.exec(line)?.[1] as 'warn' | 'error' | 'fatal' | undefined
    if (level === undefined) return
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
  return createLogger({ name: 'agent', level: processLog.level as LogLevel, stream })
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size
  } catch {
    return 0
  }
}
