import { checkFolder, checkPath, childOf } from './paths.ts'
import { maxRecordBytes, StoreError } from './store.ts'

/** Throws INVALID unless an election may have this folder, label and data. Answers `<path>/<label>`, which names the race. */
export function checkElection(path: string, label: string, data?: Uint8Array): string {
  checkFolder(path)
  if (typeof label !== 'string' || label.includes('/'))
    throw new StoreError('INVALID', path, 'the label of an election is one name without "/"')
  const race = childOf(path, label)
  checkPath(race)
  if (data && data.length > maxRecordBytes)
    throw new StoreError('INVALID', race, `a candidate says at most ${maxRecordBytes} bytes of itself`)
  return race
}

/** The sequence number in a candidate's name: `<label>` and ten digits; undefined for other names. */
export function sequenceOf(name: string, label: string): number | undefined {
  if (!name.startsWith(label)) return undefined
  const digits = name.slice(label.length)
  return /^\d{10}$/.test(digits) ? Number(digits) : undefined
}
