import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export type ComponentName =
  | 'master'
  | 'agent'
  | 'marathon'
  | 'universe'
  | 'gateway'
  | 'dns'
  | 'balancer'
  | 'zookeeper'
  | 'nats'
  | 'up'

/** One process of the cluster and what it is. In one-process clusters all have the same pid. */
export interface ClusterProcess {
  readonly component: ComponentName
  readonly name: string
  readonly pid: number
  readonly url: string
}

/** `<work-dir>/cluster.json`: how tools find the cluster. */
export interface ClusterFile {
  readonly router: string
  /** The leading master. */
  readonly master: string
  readonly marathon: string
  readonly universe: string
  readonly masters: readonly string[]
  readonly agents: readonly string[]
  readonly dns: { readonly address: string; readonly port: number }
  readonly pids: readonly number[]
  readonly processes: readonly ClusterProcess[]
}

const pathOf = (workDir: string) => join(workDir, 'cluster.json')

/** The cluster of a work-dir, or undefined when none was started there. */
export function readClusterFile(workDir: string): ClusterFile | undefined {
  try {
    const file = JSON.parse(readFileSync(pathOf(workDir), 'utf8')) as ClusterFile
    return typeof file?.router === 'string' && Array.isArray(file.processes) ? file : undefined
  } catch {
    return undefined
  }
}

/** Replaces the file in one step: a reader sees the old or the new one. */
export function writeClusterFile(workDir: string, cluster: ClusterFile): void {
  mkdirSync(workDir, { recursive: true, mode: 0o700 })
  const draft = join(workDir, `.cluster.json.${process.pid}`)
  writeFileSync(draft, `${JSON.stringify(cluster, null, 2)}\n`)
  renameSync(draft, pathOf(workDir))
}

export function removeClusterFile(workDir: string): void {
  rmSync(pathOf(workDir), { force: true })
}
