import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import type { CheckStatusInfo, CommandInfo } from '@meseta/common/protocol/mesos'
import type { Clock } from '@meseta/common/service/clock'
import { Agent as HttpAgent, request } from 'undici'
import type { Prober } from '../agent.ts'
import { type UserIds, userToRunAs } from '../containers/users.ts'
import type { Probe, ProbeResult } from '../core/messages.ts'
import { argvOf } from '../executors/argv.ts'
import type { CheckTarget } from './target.ts'

/** Redirects an HTTP check follows at most. */
const maxRedirects = 5

/** Runs checks of plain processes, which share the host's network (agent contract, section 9). */
export class HostProber implements Prober {
  readonly #clock: Clock
  readonly #switchUser: boolean
  /**
   * Certificates of tasks are not checked: the check asks whether it answers, not who it is. The check's own time limit is the
   * only one.
   */
  readonly #http = new HttpAgent({
    connect: { rejectUnauthorized: false, timeout: 0 },
    headersTimeout: 0,
    bodyTimeout: 0,
    pipelining: 0,
  })

  constructor(clock: Clock, switchUser: boolean) {
    this.#clock = clock
    this.#switchUser = switchUser
  }

  async run(probe: Probe): Promise<ProbeResult> {
    const abort = new AbortController()
    const limit = probe.timeout > 0 ? this.#clock.after(probe.timeout, () => abort.abort()) : undefined
    try {
      return await this.#look(probe, abort.signal)
    } catch (error) {
      const detail = abort.signal.aborted
        ? `there was no answer within ${probe.timeout / 1000} s`
        : `${targetName(probe.target)}: ${(error as Error).message}`
      return { passed: false, detail, status: emptyStatus(probe.target) }
    } finally {
      limit?.cancel()
    }
  }

  async close(): Promise<void> {
    await this.#http.destroy()
  }

  async #look(probe: Probe, signal: AbortSignal): Promise<ProbeResult> {
    const { target } = probe
    if (target.type === 'COMMAND') {
      const user = userToRunAs(probe.user, this.#switchUser, process.getuid?.() ?? -1)
      return runCommand(target.command, probe, user, signal)
    }
    return target.type === 'HTTP' ? this.#get(target, signal) : connectTo(target, signal)
  }

  async #get(target: Extract<CheckTarget, { type: 'HTTP' }>, signal: AbortSignal): Promise<ProbeResult> {
    const host = target.host.includes(':') ? `[${target.host}]` : target.host
    const path = target.path.startsWith('/') ? target.path : `/${target.path}`
    let url = `${target.scheme}://${host}:${target.port}${path}`
    for (let redirects = 0; ; redirects++) {
      const { statusCode, headers, body } = await request(url, { method: 'GET', dispatcher: this.#http, signal })
      await body.dump({ limit: 64 * 1024 })
      const location = headers.location
      if (statusCode >= 300 && statusCode < 400 && typeof location === 'string' && redirects < maxRedirects) {
        url = new URL(location, url).href
        continue
      }
      const passed = statusCode >= 200 && statusCode < 400
      return {
        passed,
        detail: passed ? undefined : `${url} answered ${statusCode}`,
        status: { type: 'HTTP', http: { status_code: statusCode } },
      }
    }
  }
}

async function connectTo(target: Extract<CheckTarget, { type: 'TCP' }>, signal: AbortSignal): Promise<ProbeResult> {
  const { promise, resolve, reject } = Promise.withResolvers<ProbeResult>()
  const socket = connect({ host: target.host, port: target.port, signal })
  socket.once('connect', () => resolve({ passed: true, status: { type: 'TCP', tcp: { succeeded: true } } }))
  socket.once('error', error => {
    if (signal.aborted) reject(error)
    else
      resolve({
        passed: false,
        detail: `${targetName(target)}: ${error.message}`,
        status: { type: 'TCP', tcp: { succeeded: false } },
      })
  })
  try {
    return await promise
  } finally {
    socket.destroy()
  }
}

/**
 * A command in the task's sandbox, as its user and with its environment. Its whole process group is killed at its end or at the
 * time limit; what left the group ends with the task, whose mark it has.
 */
async function runCommand(
  command: CommandInfo,
  probe: Probe,
  user: UserIds | undefined,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const argv = argvOf(command.shell ?? true, command.value ?? '', command.arguments ?? [])
  const { promise, resolve, reject } = Promise.withResolvers<ProbeResult>()
  const child = spawn(argv[0] ?? '', argv.slice(1), {
    cwd: probe.directory,
    env: probe.environment as Record<string, string>,
    detached: true,
    stdio: 'ignore',
    ...user,
  })
  signal.addEventListener('abort', () => {
    if (child.pid !== undefined) killGroup(child.pid)
    reject(new Error('timed out'))
  })
  child.once('error', reject)
  child.once('exit', (code, killedBy) => {
    if (child.pid !== undefined) killGroup(child.pid)
    const exitCode = code ?? -1
    resolve({
      passed: code === 0,
      detail: code === 0 ? undefined : `the command ended with ${killedBy ?? `status ${code}`}`,
      status: { type: 'COMMAND', command: { exit_code: exitCode } },
    })
  })
  return promise
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has just ended by itself.
  }
}

function targetName(target: CheckTarget): string {
  if (target.type === 'COMMAND') return 'the command'
  return target.type === 'HTTP'
    ? `${target.scheme}://${target.host}:${target.port}${target.path}`
    : `${target.host}:${target.port}`
}

function emptyStatus({ type }: CheckTarget): CheckStatusInfo {
  if (type === 'HTTP') return { type, http: {} }
  return type === 'TCP' ? { type, tcp: {} } : { type, command: {} }
}
