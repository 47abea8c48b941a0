import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const program = '/usr/bin/dnsperf'

/** Whether the load generator is there; without it a slower one in Node.js serves, which may be the limit itself. */
export const hasDnsperf = (): boolean => existsSync(program)

/** Queries a second that are answered. `file` has one question a line. */
export function dnsperf(port: number, file: string, seconds: number): number {
  const args = ['-s', '127.0.0.1', '-p', String(port), '-d', file, '-c', '8', '-q', '256', '-l', String(seconds)]
  const { stdout } = spawnSync(program, args, { encoding: 'utf8', timeout: (seconds + 20) * 1000 })
  const rate = Number(/Queries per second:\s+([\d.]+)/.exec(stdout)?.[1])
  if (!(rate > 0)) throw new Error(`dnsperf measured nothing: ${stdout.slice(-300)}`)
  return rate
}
