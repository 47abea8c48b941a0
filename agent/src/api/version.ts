import type { VersionInfo } from '@meseta/common/protocol/mesos'

/** The version of Mesos whose behaviour this agent has; clients switch features by it, and split it into three numbers. */
export const mesosVersion = '1.11.0'

/** The version object of /version, GET_VERSION and /state. `startedAt` in ms: what was not built has the time of its start. */
export function versionInfo(startedAt: number): VersionInfo {
  return {
    version: mesosVersion,
    build_date: new Date(startedAt).toISOString().slice(0, 19).replace('T', ' '),
    build_time: Math.round(startedAt / 1000),
    build_user: 'meseta',
  }
}
