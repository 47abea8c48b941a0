import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** `<work-dir>/cluster.json`, as tools read it. */
export interface ClusterJson {
  readonly router: string
  readonly master: string
  readonly marathon: string
  readonly universe: string
  readonly masters: readonly string[]
  readonly agents: readonly string[]
  readonly dns: { readonly address: string; readonly port: number }
  readonly pids: readonly number[]
  readonly processes: readonly {
    readonly component: string
    readonly name: string
    readonly pid: number
    readonly url: string
  }[]
}

export interface CommandResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const launcher = fileURLToPath(new URL('../../../scripts/meseta.mjs', import.meta.url))

/** Runs the command line as a person would, in a process of its own. */
export async function meseta(
  args: readonly string[],
  limit = 120_000,
  env: Record<string, string> = {},
): Promise<CommandResult> {
  const child = spawn(process.execPath, ['--conditions=meseta-source', launcher, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    timeout: limit,
    killSignal: 'SIGKILL',
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', chunk => {
    stdout += chunk
  })
  child.stderr.on('data', chunk => {
    stderr += chunk
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code: code ?? -1, stdout, stderr }
}

/** The same for a command that must succeed. */
export async function mesetaDone(
  args: readonly string[],
  limit?: number,
  env?: Record<string, string>,
): Promise<CommandResult> {
  const result = await meseta(args, limit, env)
  if (result.code !== 0)
    throw new Error(
      `meseta ${args.join(' ')} ended with ${result.code}: ${(result.stderr || result.stdout).trim().slice(-800)}`,
    )
  return result
}

export const readCluster = (workDir: string): ClusterJson =>
  JSON.parse(readFileSync(`${workDir}/cluster.json`, 'utf8')) as ClusterJson

/** Processes of this machine that belong to a work-dir: by command line, working directory or environment. */
export function processesOf(workDir: string): { pid: number; command: string }[] {
  const found: { pid: number; command: string }[] = []
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === process.pid) continue
    const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()
    const belongs =
      command.includes(workDir) ||
      link(`/proc/${pid}/cwd`).startsWith(workDir) ||
      read(`/proc/${pid}/environ`).includes(workDir)
    if (belongs && !isAncestor(pid)) found.push({ pid, command })
  }
  return found
}

function isAncestor(pid: number): boolean {
  for (let at = process.ppid; at > 1; at = Number(/\) \S (\d+)/.exec(read(`/proc/${at}/stat`))?.[1] ?? 0))
    if (at === pid) return true
  return false
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
