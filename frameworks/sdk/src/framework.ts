export type { OwnCredential } from '@meseta/common/service/own-credential'
export { electedMaster, type MasterSource, mastersOf } from './leader.ts'
export {
  type Call,
  CallError,
  createScheduler,
  type Log,
  Scheduler,
  type SchedulerListener,
  type SchedulerOptions,
} from './scheduler.ts'
export type { Connect, Connection, OpenedStream, Reply, StreamListener } from './transport.ts'
export type { CodecName } from './wire.ts'
