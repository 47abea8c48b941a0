import { crc32 } from 'node:zlib'
import type { TaskStatus } from '@meseta/common/protocol/mesos'

/** The format of the records below; a reader refuses others. */
export const recordVersion = 1

/** One line of a task's `task.updates` file: an update made for the task, or the scheduler's acknowledgement of one. */
export type UpdateRecord =
  | { readonly type: 'UPDATE'; readonly status: TaskStatus }
  | { readonly type: 'ACK'; readonly uuid: string }

/** What could be read of a file of records. */
export interface ReadRecords {
  readonly records: UpdateRecord[]
  /** Length in bytes of the whole, valid records; what follows was half written when the machine or the agent died. */
  readonly validBytes: number
  /** Set when a record that is not the last one is damaged: the file was changed by something else. */
  readonly damage: string | undefined
}

/** A record as one line: version, checksum of the JSON, JSON. */
export function encodeRecord(record: UpdateRecord): string {
  const json = JSON.stringify(record)
  return `${recordVersion} ${checksum(json)} ${json}\n`
}

/**
 * Reads a file of records up to the first that is not whole.
 * @throws {Error} when a whole record was written by a version that this one does not read
 */
export function decodeRecords(bytes: Uint8Array): ReadRecords {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const records: UpdateRecord[] = []
  let start = 0
  while (start < buffer.length) {
    const end = buffer.indexOf(0x0a, start)
    const record = end < 0 ? undefined : decodeLine(buffer.toString('utf8', start, end))
    if (record === undefined) {
      const isLast = end < 0 || end === buffer.length - 1
      const damage = isLast ? undefined : `the record at byte ${start} is damaged, and others follow it`
      return { records, validBytes: start, damage }
    }
    records.push(record)
    start = end + 1
  }
  return { records, validBytes: start, damage: undefined }
}

function decodeLine(line: string): UpdateRecord | undefined {
  const match = /^(\d{1,6}) ([0-9a-f]{8}) (.*)$/s.exec(line)
  if (match?.[3] === undefined || checksum(match[3]) !== match[2]) return undefined
  if (Number(match[1]) !== recordVersion)
    throw new Error(`a status-update record has version ${match[1]}; this agent reads version ${recordVersion}`)
  const record = JSON.parse(match[3]) as UpdateRecord
  return record.type === 'UPDATE' || record.type === 'ACK' ? record : undefined
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0')
}
