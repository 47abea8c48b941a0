import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import type { Clock } from '../service/clock.ts'

/** A server program that was started, and outlives the process that started it. */
export interface ServerProcess {
  readonly pid: number
  /** Resolves when it has ended, with its exit code or the signal that ended it. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  /** Whether it has ended. */
  readonly ended: boolean
  /** Sends a signal, unless it has ended. */
  signal(signal: NodeJS.Signals): void
  /** Ends it: SIGTERM, and SIGKILL after the grace period (milliseconds; 5 s). Resolves when it has ended. */
  stop(grace?: number): Promise<void>
}

export interface ServerProgram {
  readonly command: string
  readonly args: readonly string[]
  /** Where its output goes, appended. */
  readonly logFile: string
  readonly clock: Clock
}

/** The program could not be started, with what would help. */
export class ServerStartError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ServerStartError'
  }
}

/**
 * Starts a program in a session of its own, with its output in a file and nothing on its input. Throws ServerStartError
 * when there is no such program.
 */
export async function spawnServer({ command, args, logFile, clock }: ServerProgram): Promise<ServerProcess> {
  mkdirSync(dirname(logFile), { recursive: true })
  const output = openSync(logFile, 'a')
  try {
    const child = spawn(command, args, { detached: true, stdio: ['ignore', output, output], cwd: dirname(logFile) })
    const started = Promise.withResolvers<void>()
    const exited = Promise.withResolvers<Awaited<ServerProcess['exited']>>()
    let ended = false
    child.once('spawn', started.resolve)
    child.once('error', error => started.reject(new ServerStartError(`${command} did not start: ${error.message}`)))
    child.once('exit', (code, signal) => {
      ended = true
      exited.resolve({ code, signal })
    })
    await started.promise
    child.unref()
    const signal = (name: NodeJS.Signals) => {
      if (!ended) child.kill(name)
    }
    return {
      pid: child.pid!,
      exited: exited.promise,
      get ended() {
        return ended
      },
      signal,
      async stop(grace = 5_000) {
        signal('SIGTERM')
        const timer = clock.after(grace, () => signal('SIGKILL'))
        await exited.promise
        timer.cancel()
      },
    }
  } finally {
    closeSync(output)
  }
}

/**
 * Asks a TCP port: sends `question`, and answers the first bytes as text, to the end when `whole`; undefined when nobody
 * answers within the time (milliseconds).
 */
export function ask(
  port: number,
  host: string,
  question: string,
  timeout: number,
  whole: boolean,
): Promise<string | undefined> {
  return new Promise(resolve => {
    let text = ''
    const socket = connect({ port, host })
    const done = (answer: string | undefined) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(timeout, () => done(undefined))
    socket.on('error', () => done(undefined))
    socket.on('connect', () => question !== '' && socket.write(question))
    socket.on('data', data => {
      text += data.toString()
      if (!whole || text.length > 65_536) done(text)
    })
    socket.on('end', () => done(text === '' ? undefined : text))
  })
}

export interface Readiness {
  readonly clock: Clock
  readonly server: ServerProcess
  /** What is awaited, for the error: `ZooKeeper on 127.0.0.1:2181`. */
  readonly what: string
  readonly logFile: string
  /** Milliseconds. */
  readonly timeout: number
  isReady(): Promise<boolean>
}

/** Resolves when the server answers; throws ServerStartError when it ends or the time is over. */
export async function untilReady({ clock, server, what, logFile, timeout, isReady }: Readiness): Promise<void> {
  const deadline = clock.monotonic() + timeout
  while (!(await isReady())) {
    if (server.ended) {
      const { code, signal } = await server.exited
      throw new ServerStartError(`${what} ended (${signal ?? `exit code ${code}`}) before it was ready: see ${logFile}`)
    }
    if (clock.monotonic() > deadline)
      throw new ServerStartError(`${what} was not ready after ${timeout / 1000} s: see ${logFile}`)
    await new Promise<void>(resolve => clock.after(50, resolve))
  }
}
