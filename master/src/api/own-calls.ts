import { listFiles, readBytes } from '@meseta/common/files/files-api'
import type { MasterCall, MasterCallType, MasterResponse } from '@meseta/common/protocol/mesos'
import { logPath, type OwnProcess } from './own-process.ts'
import { versionInfo } from './version.ts'

// The calls of the v1 API that ask about this master's process alone (Mesos contract 3). Their bodies have been checked.

type Response = Omit<MasterResponse, 'type'>
/** Undefined: done, and nothing to say. */
export type OwnCall = (own: OwnProcess, call: MasterCall) => Response | undefined | Promise<Response>

/** Each may throw an HttpError, or reject with one. */
export const ownCalls: Partial<Record<MasterCallType, OwnCall>> = {
  GET_HEALTH: () => ({ get_health: { healthy: true } }),
  GET_VERSION: own => ({ get_version: { version_info: versionInfo(own) } }),
  GET_FLAGS: ({ flags }) => ({ get_flags: { flags: Object.entries(flags).map(([name, value]) => ({ name, value })) } }),
  GET_METRICS: ({ metrics }) => ({
    get_metrics: { metrics: Object.entries(metrics()).map(([name, value]) => ({ name, value })) },
  }),
  GET_LOGGING_LEVEL: ({ verbosity }) => ({ get_logging_level: { level: verbosity.level } }),
  SET_LOGGING_LEVEL: ({ verbosity }, { set_logging_level }) => {
    const { level, duration } = set_logging_level!
    verbosity.set(level, Math.max(0, duration.nanoseconds / 1e6))
    return undefined
  },
  LIST_FILES: async ({ files }, { list_files }) => ({
    list_files: { file_infos: await listFiles(files, list_files!.path) },
  }),
  READ_FILE: async ({ files }, { read_file }) => ({ read_file: await readBytes(files, read_file!) }),
  READ_LOG: async ({ files }, { read_log }) => ({
    read_log: await readBytes(files, { path: logPath, offset: 0, ...read_log }),
  }),
}
