import type { Stored } from '../../src/core/load.ts'
import type { LogEntry } from '../../src/core/records.ts'

/** What a takeover reads of records in memory. */
export function storedOf(records: ReadonlyMap<string, string>): Stored {
  const read = <T>(path: string): T | undefined => {
    const text = records.get(path)
    return text === undefined ? undefined : (JSON.parse(text) as T)
  }
  const under = <T>(folder: string): T[] =>
    [...records.keys()].filter(path => path.startsWith(`${folder}/`)).map(path => read<T>(path) as T)
  const framework = read<{ id: string }>('framework')
  const log = [...records.keys()].filter(path => path.startsWith('log/')).map(path => entryOf(path, read))
  const done = [...records.keys()].filter(path => path.startsWith('done/')).map(path => Number(path.slice(5)))
  return {
    ...(framework && { frameworkId: framework.id }),
    log,
    done: new Set(done),
    services: under('services'),
    versions: under<{ service: Stored['versions'][number] }>('versions').map(one => one.service),
    groups: under('groups'),
    instances: under<{ instances: Stored['instances'] }>('instances').flatMap(one => one.instances),
    failures: under<{ failure: Stored['failures'][number] }>('failures').map(one => one.failure),
  }
}

function entryOf(path: string, read: <T>(path: string) => T | undefined): LogEntry {
  const record = read<{ entry?: LogEntry; parts?: number }>(path)
  if (record?.entry !== undefined) return record.entry
  const name = path.slice(4)
  let text = ''
  for (let part = 0; part < (record?.parts ?? 0); part += 1)
    text += read<{ text: string }>(`parts/${name}/${String(part).padStart(10, '0')}`)?.text ?? ''
  return JSON.parse(text) as LogEntry
}
