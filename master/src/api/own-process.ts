import type { AttachedFiles } from '@meseta/common/files/attached-files'
import type { HealthReport } from '@meseta/common/service/health'
import type { Verbosity } from '@meseta/common/service/verbosity'

/** Where the files API shows the master's own log (Mesos contract 4). */
export const logPath = '/master/log'

/** What a master can tell of its own process, whether it leads or not. */
export interface OwnProcess {
  readonly health: () => HealthReport
  readonly metrics: () => Readonly<Record<string, number>>
  readonly version: string
  readonly buildTime: number
  /** As text. */
  readonly flags: Readonly<Record<string, string>>
  readonly files: AttachedFiles
  /** Real paths by the virtual ones. */
  readonly attached: Readonly<Record<string, string>>
  readonly verbosity: Verbosity
}
