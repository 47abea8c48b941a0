import { PlainError, texts } from '../routes/errors.ts'
import { type Candidate, candidates } from './names.ts'
import type { Lookup, Service, ServiceTable } from './service-table.ts'

/** Names that no app's label may take (admin router contract, 2, step 1). */
const reserved = new Set(['marathon', 'metronome'])

/** What is known at the moment about the sources of the table. */
export interface Knowledge {
  readonly apps: boolean
  readonly frameworks: boolean
}

/** Asks mesos-dns's HTTP API for the first SRV record of a name; `undefined` when there is none. Throws when it can not answer. */
export type AskDns = (normal: string) => Promise<{ host: string; port: number } | undefined>

export interface Found {
  readonly candidate: Candidate
  readonly service: Service
}

/** The service that the path behind `/service/` names: the first prefix that resolves. Throws the contract's errors. */
export async function findService(path: string, table: ServiceTable, known: Knowledge, askDns: AskDns): Promise<Found> {
  let why: string | undefined
  for (const candidate of candidates(path)) {
    const lookup = await look(candidate.normal, table, known, askDns)
    if (lookup.kind === 'found') return { candidate, service: lookup.service }
    if (lookup.kind === 'unreachable') why ??= lookup.sentence
  }
  if (why !== undefined) throw new PlainError(`${texts.serviceNotFound} (${why})`)
  throw new PlainError(texts.serviceNotFound)
}

async function look(normal: string, table: ServiceTable, known: Knowledge, askDns: AskDns): Promise<Lookup> {
  let app: Lookup = { kind: 'unknown' }
  if (!reserved.has(normal)) {
    // Without the apps the order of the steps could not be kept: a framework might answer for an app.
    if (!known.apps) throw new PlainError(texts.noApps)
    app = table.app(normal)
    if (app.kind === 'found') return app
  }
  if (!known.frameworks) throw new PlainError(texts.noFrameworks)
  const framework = table.framework(normal)
  if (framework.kind === 'found') return framework
  if (framework.kind === 'unknown') return app.kind === 'unreachable' ? app : framework
  if (framework.kind === 'unreachable') return framework
  return fromDns(normal, askDns)
}

async function fromDns(normal: string, askDns: AskDns): Promise<Lookup> {
  let address: { host: string; port: number } | undefined
  try {
    address = await askDns(normal)
  } catch {
    throw new PlainError(texts.noDns)
  }
  if (!address) return { kind: 'unknown' }
  return {
    kind: 'found',
    service: {
      scheme: 'http',
      backends: [{ id: `${address.host}:${address.port}`, ...address }],
      basePath: '',
      keepPath: false,
      streaming: false,
      sticky: false,
    },
  }
}
