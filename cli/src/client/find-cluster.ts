import { existsSync } from 'node:fs'
import { readClusterFile } from '../cluster/cluster-file.ts'
import { workDir } from '../cluster/work-dir.ts'
import { Failure } from '../output/failure.ts'

/** The options by which every command finds its cluster. */
export interface ClusterOptions {
  /** The address of a router, or a work-dir. */
  readonly cluster?: string
  readonly workDir?: string
}

/** The router's address, without a final slash: `--cluster`, then the work-dir, then the default one. */
export function findRouter(options: ClusterOptions): string {
  const given = options.cluster ?? process.env.MESETA_CLUSTER
  if (given !== undefined && /^https?:\/\//.test(given)) {
    if (!URL.canParse(given)) throw new Failure(`"${given}" is no address of a cluster`, { exit: 'usage' })
    return given.replace(/\/+$/, '')
  }
  const folder = given ?? workDir(options.workDir)
  const file = readClusterFile(folder)
  if (file) return file.router
  throw new Failure(existsSync(folder) ? `no cluster runs in ${folder}` : `there is no cluster in ${folder}`, {
    exit: 'unreachable',
    hint: 'start one with `meseta up`, or name one with --cluster <address or work-dir>',
  })
}
