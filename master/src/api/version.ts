import type { VersionInfo } from '@meseta/common/protocol/mesos'
import type { MasterFacts } from '../replica/facts.ts'

/** The version of Mesos whose behaviour this master has; clients switch features by it. */
export const mesosVersion = '1.11.0'

/** The version object of /version, GET_VERSION and /state. */
export function versionInfo({ version, buildTime }: Pick<MasterFacts, 'version' | 'buildTime'>): VersionInfo {
  return {
    version,
    build_date: new Date(buildTime).toISOString().slice(0, 19).replace('T', ' '),
    build_time: Math.round(buildTime / 1000),
    build_user: 'meseta',
  }
}
