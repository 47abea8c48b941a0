import type { GroupChange, ServiceChange } from './change/change.ts'
import type { Write } from './effects.ts'
import type { Instance } from './instance.ts'
import type { Group, Millis, Service, Timestamp } from './model.ts'
import { type PathId, safePath } from './paths.ts'

/** The version of the stored forms; readers refuse others. */
export const recordFormat = 1

/** One accepted change of the root: the transaction of its deployment (design decision 7). */
export interface LogEntry {
  readonly seq: number
  /** The version of the root after it. */
  readonly version: Timestamp
  readonly services: readonly ServiceChange[]
  readonly groups: readonly GroupChange[]
  readonly deployment?: {
    readonly id: string
    readonly restarts: readonly PathId[]
    readonly kills: readonly (readonly [PathId, readonly string[]])[]
    readonly cancels: readonly string[]
  }
}

export interface TaskFailure {
  readonly appId: PathId
  readonly taskId: string
  readonly state: string
  readonly message: string
  readonly host: string
  readonly slaveId?: string
  readonly timestamp: Timestamp
  readonly version: Timestamp
}

/** Instances that share a record. */
export const chunkSize = 128

/** What is larger is cut; with its frame a record stays well below the store's 512 KiB. */
const partLength = 128 * 1024

const seqName = (seq: number): string => String(seq).padStart(10, '0')
const groupName = (id: PathId): string => (id === '/' ? '_' : safePath(id))

const write = (path: string, value: object): Write => ({
  path,
  value: JSON.stringify({ format: recordFormat, ...value }),
})
const erase = (path: string): Write => ({ path, value: null })

export const paths = {
  /** Its version says how often the leadership has changed. */
  epoch: 'epoch',
  framework: 'framework',
  log: 'log',
  parts: 'parts',
  done: 'done',
  services: 'services',
  versions: 'versions',
  groups: 'groups',
  instances: 'instances',
  failures: 'failures',
} as const

export const frameworkRecord = (id: string): Write => write(paths.framework, { id })

/** The parts of a large entry come first: with the entry itself the change is made. */
export function logRecords(entry: LogEntry): Write[] {
  const text = JSON.stringify(entry)
  const name = seqName(entry.seq)
  if (text.length <= partLength) return [write(`${paths.log}/${name}`, { entry })]
  const parts: Write[] = []
  for (let at = 0; at < text.length; at += partLength)
    parts.push(write(`${paths.parts}/${name}/${seqName(parts.length)}`, { text: text.slice(at, at + partLength) }))
  return [...parts, write(`${paths.log}/${name}`, { parts: parts.length })]
}

export const doneRecord = (seq: number, outcome: string): Write => write(`${paths.done}/${seqName(seq)}`, { outcome })

export function forgetLog(entry: LogEntry): Write[] {
  const name = seqName(entry.seq)
  const parts = Math.ceil(JSON.stringify(entry).length / partLength)
  const erased = [erase(`${paths.log}/${name}`), erase(`${paths.done}/${name}`)]
  if (parts > 1)
    for (let part = 0; part < parts; part += 1) erased.push(erase(`${paths.parts}/${name}/${seqName(part)}`))
  return erased
}

/** The projection of a service: what it is now, by which entry. A deleted one keeps no record. */
export const serviceRecord = (id: PathId, seq: number, service: Service | undefined): Write =>
  service === undefined
    ? erase(`${paths.services}/${safePath(id)}`)
    : write(`${paths.services}/${safePath(id)}`, { seq, service })

export const versionRecord = (service: Service): Write =>
  write(`${paths.versions}/${safePath(service.spec.id)}/${service.version}`, { service })

export const forgetVersion = (id: PathId, version: Timestamp): Write =>
  erase(`${paths.versions}/${safePath(id)}/${version}`)

export const groupRecord = (id: PathId, seq: number, group: Group | undefined): Write =>
  group === undefined
    ? erase(`${paths.groups}/${groupName(id)}`)
    : write(`${paths.groups}/${groupName(id)}`, { seq, id, group })

/** What of an instance is kept; its health and the state of its tasks are learnt anew from the master (design decision 7). */
export type StoredInstance = Omit<Instance, 'tasks'> & {
  readonly tasks: readonly {
    readonly id: string
    readonly container?: string
    readonly hostPorts: readonly (number | null)[]
    readonly startedAt?: Millis
  }[]
}

export function chunkRecord(service: PathId, chunk: number, instances: readonly Instance[]): Write {
  const path = `${paths.instances}/${safePath(service)}/${chunk}`
  if (instances.length === 0) return erase(path)
  const stored = instances.map(
    (instance): StoredInstance => ({
      ...instance,
      tasks: instance.tasks.map(({ id, container, hostPorts, startedAt }) => ({
        id,
        hostPorts,
        ...(container !== undefined && { container }),
        ...(startedAt !== undefined && { startedAt }),
      })),
    }),
  )
  return write(path, { instances: stored })
}

export const failureRecord = (id: PathId, failure: TaskFailure | undefined): Write =>
  failure === undefined
    ? erase(`${paths.failures}/${safePath(id)}`)
    : write(`${paths.failures}/${safePath(id)}`, { failure })
