import type { Operation } from '@meseta/common/protocol/mesos'

/** An operation that an agent was told, or has told of, until its end is acknowledged. */
export interface OperationRecord {
  /** Base64, as on the wire. */
  readonly uuid: string
  readonly agentId: string
  /** Undefined for an operator's. */
  readonly frameworkId: string | undefined
  /** The framework's own name for it, by which it asks for updates. */
  readonly id: string | undefined
  /** As readers see it, with the newest status. */
  operation: Operation
  /** The agent's session in which it was sent; what was not heard of before that ended never arrived. */
  readonly session: number
}

/** Operations of an agent that are remembered after their ends were acknowledged. */
const maxSettled = 1_000

/** All operations that are under way, or whose end is not acknowledged. */
export class OperationTable {
  readonly #byUuid = new Map<string, OperationRecord>()
  readonly #byAgent = new Map<string, Set<OperationRecord>>()
  readonly #byFramework = new Map<string, Set<OperationRecord>>()
  /** Those with an id of their framework's. */
  readonly #byId = new Map<string, OperationRecord>()
  /** By agent: whose ends were acknowledged in its session. */
  readonly #settled = new Map<string, { readonly session: number; readonly uuids: Set<string> }>()

  get size(): number {
    return this.#byUuid.size
  }

  get(uuid: string): OperationRecord | undefined {
    return this.#byUuid.get(uuid)
  }

  find(frameworkId: string, id: string): OperationRecord | undefined {
    return this.#byId.get(idKey(frameworkId, id))
  }

  ofAgent(agentId: string): ReadonlySet<OperationRecord> {
    return this.#byAgent.get(agentId) ?? none
  }

  ofFramework(frameworkId: string): ReadonlySet<OperationRecord> {
    return this.#byFramework.get(frameworkId) ?? none
  }

  /** Its end is acknowledged: what its agent says of it in this session was on its way before it heard that. */
  settle({ agentId, uuid }: OperationRecord, session: number): void {
    let settled = this.#settled.get(agentId)
    if (settled?.session !== session) {
      settled = { session, uuids: new Set() }
      this.#settled.set(agentId, settled)
    }
    settled.uuids.add(uuid)
    if (settled.uuids.size > maxSettled) settled.uuids.delete(settled.uuids.values().next().value!)
  }

  isSettled(agentId: string, session: number, uuid: string): boolean {
    const settled = this.#settled.get(agentId)
    return settled?.session === session && settled.uuids.has(uuid)
  }

  /** The agent is no more. */
  forgetAgent(agentId: string): void {
    this.#settled.delete(agentId)
  }

  add(record: OperationRecord): void {
    const { uuid, agentId, frameworkId, id } = record
    this.#byUuid.set(uuid, record)
    addTo(this.#byAgent, agentId, record)
    if (frameworkId === undefined) return
    addTo(this.#byFramework, frameworkId, record)
    // An id belongs to the first, whatever agents say.
    if (id !== undefined && !this.find(frameworkId, id)) this.#byId.set(idKey(frameworkId, id), record)
  }

  remove(record: OperationRecord): void {
    const { uuid, agentId, frameworkId, id } = record
    if (!this.#byUuid.delete(uuid)) return
    removeFrom(this.#byAgent, agentId, record)
    if (frameworkId === undefined) return
    removeFrom(this.#byFramework, frameworkId, record)
    if (id !== undefined && this.find(frameworkId, id) === record) this.#byId.delete(idKey(frameworkId, id))
  }
}

const none: ReadonlySet<OperationRecord> = new Set()
/** Neither id may hold a slash. */
const idKey = (frameworkId: string, id: string): string => `${frameworkId}/${id}`

function addTo(index: Map<string, Set<OperationRecord>>, key: string, record: OperationRecord): void {
  const records = index.get(key)
  if (records) records.add(record)
  else index.set(key, new Set([record]))
}

function removeFrom(index: Map<string, Set<OperationRecord>>, key: string, record: OperationRecord): void {
  const records = index.get(key)
  records?.delete(record)
  if (records?.size === 0) index.delete(key)
}
