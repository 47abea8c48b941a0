import type { Random } from '@meseta/common/service/random'
import { Backoff } from './backoff.ts'
import type { History } from './change/change.ts'
import { Deadlines } from './deadlines.ts'
import type { Deployment } from './deploy/deployment.ts'
import type { Effect, FeedKind, Write } from './effects.ts'
import { type HealthRecord, verdict } from './health.ts'
import { type Instance, mayRun, type Placement } from './instance.ts'
import { runsOnAgent } from './launch/app-task.ts'
import { QueueBook } from './launch/queue.ts'
import type { Millis, Root, Service, Settings, Timestamp } from './model.ts'
import type { PathId } from './paths.ts'
import type { ReadinessResult } from './readiness.ts'
import { chunkRecord, chunkSize, type LogEntry, paths, type TaskFailure } from './records.ts'
import { emptyRoot } from './root.ts'
import { hasHealthChecks, hasReadinessChecks } from './service.ts'

/** A task that is to be ended. */
export interface PendingKill {
  /** When the KILL is sent: after the time in which routers turn away from the instance. */
  due: Millis
  /** When it was sent last. */
  sent?: Millis
}

/** Roots and versions that are kept. */
export const maxVersions = 50

/** Revives are at least `reviveInterval` apart in the long run; after a quiet time some may follow at once. */
export const reviveBurst = 3

/** All that the heart knows, and what of it has changed in this step. */
export class State {
  readonly settings: Settings
  readonly random: Random
  root: Root = emptyRoot
  /** The number of the newest log entry. */
  seq = 0
  /** Versions of services, oldest first, the present one included. */
  readonly versions = new Map<PathId, Service[]>()
  /** Changes of the root, oldest first. */
  log: LogEntry[] = []
  readonly instances = new Map<string, Instance>()
  /** The same instances by their service. */
  readonly byService = new Map<PathId, Map<string, Instance>>()
  readonly deployments = new Map<string, Deployment>()
  /** The deployment that a service belongs to. */
  readonly lockedBy = new Map<PathId, string>()
  readonly backoff = new Backoff()
  readonly health = new Map<string, (HealthRecord | undefined)[]>()
  readonly ready = new Map<string, ReadinessResult>()
  readonly kills = new Map<string, PendingKill>()
  readonly failures = new Map<PathId, TaskFailure>()
  readonly agents = new Map<string, Placement>()
  readonly queue = new QueueBook()
  /** Instances that wait to be launched, by service. */
  readonly pending = new Map<PathId, Set<string>>()
  /** Services to look at before the step ends: something of them has changed. */
  readonly reviews = new Set<PathId>()
  /** Services for which offers are wanted anew. */
  readonly wantsOffers = new Set<PathId>()
  /** Kills that were sent and have not been answered by the task's end. */
  readonly killsSent = new Set<string>()
  /** Launches that are still allowed in this period (contract 12). */
  launchTokens: number
  /** Revives that may be sent at once, and when they were counted last. */
  reviveTokens = reviveBurst
  reviveCounted: Millis = 0
  /** Roles for which the master was told to send no offers. */
  readonly suppressed = new Set<string>()
  readonly deadlines = new Deadlines()
  /** Instances loaded from the store of which the master has not told yet. */
  readonly awaiting = new Set<string>()
  connected = false
  frameworkId: string | undefined
  homeRegion: string | undefined

  #roles: { readonly root: Root; readonly roles: readonly string[] } | undefined
  #effects: Effect[] = []
  #writes = new Map<string, Write>()
  /** The chunks of each service that differ from what is stored. */
  #dirtyChunks = new Map<PathId, Set<number>>()
  #changed = new Map<string, { kind: FeedKind; key: string }>()
  /** How many instances each chunk of a service holds. */
  readonly #chunks = new Map<PathId, number[]>()

  constructor(settings: Settings, random: Random) {
    this.settings = settings
    this.random = random
    this.launchTokens = settings.launchTokens
  }

  /** The versions and roots of the past. */
  readonly history: History = {
    service: (id, version) => this.versions.get(id)?.find(service => service.version === version),
    root: version => this.#rootAt(version),
  }

  #rootAt(version: Timestamp): Root | undefined {
    if (version === this.root.version) return this.root
    const groups = new Map(this.root.groups)
    const services = new Map(this.root.services)
    for (const entry of this.log.toReversed()) {
      for (const { id, before } of entry.services) put(services, id, before)
      for (const { id, before } of entry.groups) put(groups, id, before)
      const known = this.log[this.log.indexOf(entry) - 1]?.version
      if (known === version) return { version, groups, services }
    }
    return undefined
  }

  /** The roles the framework takes part in: its own and those of its services (contract 12). */
  roles(): readonly string[] {
    if (this.#roles?.root !== this.root) {
      const roles = new Set([this.settings.mesosRole])
      for (const service of this.root.services.values()) roles.add(service.spec.role)
      this.#roles = { root: this.root, roles: [...roles].sort() }
    }
    return this.#roles.roles
  }

  serviceOf(instance: Instance): Service | undefined {
    return this.root.services.get(instance.service)
  }

  /** The definition an instance was launched with; today's when that is not kept any more. */
  launchedWith(instance: Instance): Service | undefined {
    const versions = this.versions.get(instance.service)
    return versions?.find(one => one.version === instance.version) ?? this.serviceOf(instance)
  }

  instancesOf(service: PathId): Instance[] {
    return [...(this.byService.get(service)?.values() ?? [])]
  }

  /** Sets an instance; what of it is stored is written when it differs. */
  put(instance: Instance): void {
    const known = this.instances.get(instance.id)
    this.#keep(instance)
    if (known === undefined || storedPartDiffers(known, instance)) this.#dirtyChunk(instance)
    this.#indexPending(instance, instance.condition === 'Scheduled' && instance.goal === 'Running')
    this.touchInstance(instance)
    this.reviews.add(instance.service)
  }

  #indexPending(instance: Instance, waits: boolean): void {
    const known = this.pending.get(instance.service)
    if (!waits) {
      if (known?.delete(instance.id) && known.size === 0) this.pending.delete(instance.service)
    } else if (!known?.has(instance.id)) {
      if (known === undefined) this.pending.set(instance.service, new Set([instance.id]))
      else known.add(instance.id)
      this.wantsOffers.add(instance.service)
    }
  }

  #keep(instance: Instance): void {
    this.instances.set(instance.id, instance)
    const others = this.byService.get(instance.service)
    if (others === undefined) this.byService.set(instance.service, new Map([[instance.id, instance]]))
    else others.set(instance.id, instance)
  }

  remove(instance: Instance): void {
    this.instances.delete(instance.id)
    const ids = this.byService.get(instance.service)
    ids?.delete(instance.id)
    if (ids?.size === 0) this.byService.delete(instance.service)
    const chunks = this.#chunks.get(instance.service)
    if (chunks !== undefined) chunks[instance.chunk] = (chunks[instance.chunk] ?? 1) - 1
    if (ids === undefined || ids.size === 0) this.#chunks.delete(instance.service)
    this.#indexPending(instance, false)
    this.forgetRun(instance.id)
    this.awaiting.delete(instance.id)
    this.reviews.add(instance.service)
    this.#dirtyChunk(instance)
    this.touchInstance(instance)
  }

  /** Forgets what was seen of the run that has ended. */
  forgetRun(instance: string): void {
    this.health.delete(instance)
    this.ready.delete(instance)
    this.kills.delete(instance)
    this.killsSent.delete(instance)
    this.deadlines.clear(`kill:${instance}`)
    this.deadlines.clear(`launch:${instance}`)
  }

  /** The first chunk with room. */
  takeChunk(service: PathId): number {
    const chunks = this.#chunks.get(service) ?? []
    this.#chunks.set(service, chunks)
    let chunk = chunks.findIndex(count => count < chunkSize)
    if (chunk === -1) chunk = chunks.length
    chunks[chunk] = (chunks[chunk] ?? 0) + 1
    return chunk
  }

  /** Takes over an instance that was stored. */
  load(instance: Instance): void {
    this.#keep(instance)
    const chunks = this.#chunks.get(instance.service) ?? []
    this.#chunks.set(instance.service, chunks)
    while (chunks.length <= instance.chunk) chunks.push(0)
    chunks[instance.chunk] = (chunks[instance.chunk] ?? 0) + 1
    this.#indexPending(instance, instance.condition === 'Scheduled' && instance.goal === 'Running')
    if (mayRun(instance)) this.awaiting.add(instance.id)
  }

  /** Whether all its health checks say so; with none, whether it runs. Null: not known. */
  healthyOf(instance: Instance): boolean | null {
    const service = this.launchedWith(instance)
    if (service === undefined || instance.condition !== 'Running') return null
    return verdict(this.health.get(instance.id) ?? [], checkCount(service))
  }

  /** Whether it counts as healthy for deployments (contract 11). */
  servesWell(instance: Instance): boolean {
    if (instance.condition !== 'Running' || this.awaiting.has(instance.id)) return false
    const service = this.launchedWith(instance)
    return service !== undefined && (!hasHealthChecks(service) || this.healthyOf(instance) === true)
  }

  isReady(instance: Instance): boolean {
    const service = this.launchedWith(instance)
    return service === undefined || !hasReadinessChecks(service) || this.ready.get(instance.id)?.ready === true
  }

  // What goes out.

  emit(effect: Effect): void {
    this.#effects.push(effect)
  }

  event(now: Millis, eventType: string, fields: Readonly<Record<string, unknown>>): void {
    this.emit({ type: 'event', event: { eventType, timestamp: new Date(now).toISOString(), ...fields } })
  }

  /** A later write of the same record in the same step replaces an earlier one. */
  write(...writes: readonly Write[]): void {
    for (const one of writes) this.#writes.set(one.path, one)
  }

  touch(kind: FeedKind, key: string): void {
    this.#changed.set(`${kind} ${key}`, { kind, key })
  }

  touchService(id: PathId): void {
    const kind = this.root.services.get(id)?.kind
    if (kind !== 'pod') this.touch('app', id)
    if (kind !== 'app') this.touch('pod', id)
  }

  touchInstance(instance: Instance): void {
    this.touch('instance', instance.id)
    this.touchService(instance.service)
  }

  #dirtyChunk({ service, chunk }: Instance): void {
    const known = this.#dirtyChunks.get(service)
    if (known === undefined) this.#dirtyChunks.set(service, new Set([chunk]))
    else known.add(chunk)
  }

  /** The effects of the step: changes of feeds first, then what must be stored, then the rest in order. */
  finish(): Effect[] {
    for (const [service, chunks] of this.#dirtyChunks) {
      const members = Map.groupBy(this.instancesOf(service), instance => instance.chunk)
      for (const chunk of chunks) this.write(chunkRecord(service, chunk, members.get(chunk) ?? []))
    }
    const effects: Effect[] = [...this.#changed.values()].map(one => ({ type: 'changed', ...one }))
    if (this.#writes.size > 0) effects.push({ type: 'store', writes: [...this.#writes.values()].sort(byTransaction) })
    effects.push(...this.#effects, { type: 'wake', at: this.deadlines.next() })
    this.#effects = []
    this.#writes = new Map()
    this.#dirtyChunks = new Map()
    this.#changed = new Map()
    return effects
  }
}

function put<T>(map: Map<PathId, T>, id: PathId, value: T | undefined): void {
  if (value === undefined) map.delete(id)
  else map.set(id, value)
}

/** How many results a complete picture has. */
export const checkCount = (service: Service): number =>
  service.kind === 'app'
    ? service.spec.healthChecks.length
    : service.spec.containers.filter(container => container.healthCheck !== undefined).length

/** The place among the health checks of an app of the one that the agent runs. */
export const agentCheckIndex = (service: Service): number =>
  service.kind === 'app' ? service.spec.healthChecks.findIndex(runsOnAgent) : -1

/** Conditions are learnt anew, so only a launch or an end of one is worth a write. */
function storedPartDiffers(before: Instance, after: Instance): boolean {
  return (
    before.goal !== after.goal ||
    before.incarnation !== after.incarnation ||
    before.version !== after.version ||
    before.config !== after.config ||
    before.placement !== after.placement ||
    mayRun(before) !== mayRun(after)
  )
}

/** The order of a transaction: parts, the log entry, then what follows from it; old log entries leave last. */
const order = [
  paths.framework,
  paths.parts,
  paths.log,
  paths.done,
  paths.versions,
  paths.services,
  paths.groups,
  paths.instances,
  paths.failures,
]

function byTransaction(a: Write, b: Write): number {
  return rank(a) - rank(b)
}

const rank = ({ path, value }: Write): number => {
  const place = order.findIndex(folder => path === folder || path.startsWith(`${folder}/`))
  const deletesLog =
    value === null &&
    (path.startsWith(`${paths.log}/`) || path.startsWith(`${paths.parts}/`) || path.startsWith(`${paths.done}/`))
  return deletesLog ? order.length + (path.startsWith(`${paths.log}/`) ? 0 : 1) : place
}
