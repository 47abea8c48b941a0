import { join } from 'node:path'
import { AttachedFiles } from '@meseta/common/files/attached-files'
import { openOwnLog } from '@meseta/common/service/own-log'
import type { Logger } from 'pino'
import { logPath } from './api/own-process.ts'
import type { MasterFlags } from './flags.ts'

/** Where the master logs, and what its files API shows of it. */
export interface MasterLog {
  readonly log: Logger
  readonly files: AttachedFiles
  /** Real paths by the virtual ones. */
  readonly attached: Readonly<Record<string, string>>
}

/**
 * The log of the process where that is a file (`--log_file`), or else a file of its own in `--log_dir` or the work-dir beside it.
 * Shown is `--external_log_file` where it is given: somebody else writes that.
 */
export function openMasterLog(flags: MasterFlags, processLog: Logger): MasterLog {
  const folder = flags.log_dir ?? flags.work_dir
  const own = flags.log_file ?? (folder === undefined ? undefined : join(folder, 'master.log'))
  const log = own === undefined || own === flags.log_file ? processLog : openOwnLog('master', own, processLog, 'all')
  const shown = flags.external_log_file ?? own
  const attached: Record<string, string> = shown === undefined ? {} : { [logPath]: shown }
  return { log, attached, files: new AttachedFiles(path => filed(path, shown)) }
}

const filed = (path: string, shown: string | undefined) =>
  shown !== undefined && (path === logPath || path === shown) ? { root: shown, rest: '' } : undefined
