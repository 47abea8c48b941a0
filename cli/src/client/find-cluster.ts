import { existsSync } from 'node:fs'
import { type ClusterFile, readClusterFile } from '../cluster/cluster-file.ts'
import { workDir } from '../cluster/work-dir.ts'
import { Failure } from '../output/failure.ts'

/** The options by which every command finds its cluster. */
export interface ClusterOptions {
  /** The address of a router, or a work-dir. */
  readonly cluster?: string
  readonly workDir?: string
}

export interface FoundCluster {
  /** The router's address, without a final slash. */
  readonly router: string
  /** What the work-dir says of it; undefined when the router was named by its address. */
  readonly file: ClusterFile | undefined
}

/** The cluster of `--cluster`, else of `--work-dir`, else of `MESETA_CLUSTER`, `MESETA_WORK_DIR`, else of the default work-dir. */
export function findCluster(options: ClusterOptions): FoundCluster {
  const given = options.cluster ?? (options.workDir === undefined ? process.env.MESETA_CLUSTER : undefined)
  const address = given === undefined ? undefined : addressIn(given)
  if (address !== undefined) return { router: address, file: undefined }
  const folder = given || workDir(options.workDir)
  const file = readClusterFile(folder)
  if (file) return { router: file.router.replace(/\/+$/, ''), file }
  throw new Failure(existsSync(folder) ? `no cluster runs in ${folder}` : `there is no cluster in ${folder}`, {
    exit: 'unreachable',
    hint: 'start one with `meseta up`, or name one with --cluster <address or work-dir>',
  })
}

export const findRouter = (options: ClusterOptions): string => findCluster(options).router

/** `http://host:port`, or `host:port` alone; undefined for what is a folder. */
function addressIn(given: string): string | undefined {
  const text = /^[\w.-]+:\d+$/.test(given) ? `http://${given}` : given
  if (!/^[a-z]+:\/\//i.test(text)) return undefined
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new Failure(`"${given}" is no address of a cluster`, { exit: 'usage', hint: 'write http://host:port' })
  }
  return text.replace(/\/+$/, '')
}
