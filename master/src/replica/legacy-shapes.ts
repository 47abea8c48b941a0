import { toJson } from '@meseta/common/protocol/codec'
import type { ExecutorInfo, Label, Labels, Offer } from '@meseta/common/protocol/mesos'
import { legacyAttributes, legacyReservations, legacyResources } from '@meseta/common/resources/legacy'
import { Resources } from '@meseta/common/resources/resources'
import { capabilitiesOf, rolesOf } from '../state/frameworks/framework-info.ts'
import { addressOf } from '../state/offers/offers.ts'
import type { AgentRow, ExecutorRow, FrameworkRow } from './tables.ts'
import { seen, seesAll, type Views } from './views.ts'

// The objects of the older endpoints (Mesos contract 4.1): times in seconds, resources as objects, `slave` for agent.

type Json = Record<string, unknown>

const seconds = (milliseconds: number): number => milliseconds / 1000

/** An agent of /state, as JSON; of reservations those of roles that the viewer may see. */
export function slaveText(row: AgentRow, views: Views = seesAll): string {
  if (views === seesAll) row.fixed ??= JSON.stringify(fixedOf(row, views))
  return joined(views === seesAll ? row.fixed! : JSON.stringify(fixedOf(row, views)), {
    used_resources: legacyResources(row.used),
    offered_resources: legacyResources(row.offered),
  })
}

/** The JSON of an object that is not empty, with further fields. */
export const joined = (json: string, more: Json): string => `${json.slice(0, -1)},${JSON.stringify(more).slice(1)}`

function fixedOf({ view, total }: AgentRow, views: Views): Json {
  const { info } = view
  const slave: Json = {
    id: info.id!.value,
    hostname: info.hostname,
    port: addressOf(view.pid)?.port ?? info.port ?? 5051,
    attributes: legacyAttributes(info.attributes ?? []),
    pid: view.pid,
    registered_time: seconds(view.registeredAt),
    resources: legacyResources(total),
    reserved_resources: legacyReservations(seen(total, views)),
    unreserved_resources: legacyResources(total.unreserved()),
    active: view.active,
    deactivated: view.deactivated,
    version: view.version,
    capabilities: view.capabilities,
  }
  if (info.domain) slave.domain = toJson('mesos.v1.DomainInfo', info.domain)
  if (view.reregisteredAt !== undefined) slave.reregistered_time = seconds(view.reregisteredAt)
  if (view.drain) slave.drain_info = toJson('mesos.v1.DrainInfo', view.drain)
  if (view.drainStartedAt !== undefined) slave.estimated_drain_start_time_seconds = seconds(view.drainStartedAt)
  return slave
}

/** As in /slaves: also with the resources in full. */
export function fullSlaveText(row: AgentRow, views: Views): string {
  return joined(slaveText(row, views), {
    reserved_resources_full: Object.fromEntries(
      [...seen(row.total, views).reservations()].map(([role, resources]) => [role, inFull(resources)]),
    ),
    unreserved_resources_full: inFull(row.total.unreserved()),
    used_resources_full: inFull(seen(row.used, views)),
    offered_resources_full: inFull(seen(row.offered, views)),
  })
}

const inFull = (resources: Resources): unknown[] =>
  resources.inBothFormats().map(resource => toJson('mesos.v1.Resource', resource))

/** What /state-summary and the feed say of a framework, without its tasks. */
export function frameworkSummaryOf(row: FrameworkRow): Json {
  const { view } = row
  const { info } = view
  return {
    id: info.id!.value,
    name: info.name,
    used_resources: legacyResources(row.used),
    offered_resources: legacyResources(row.offered),
    capabilities: [...capabilitiesOf(info)],
    hostname: info.hostname ?? '',
    webui_url: info.webui_url ?? '',
    active: view.active,
    connected: view.connected,
    recovered: view.recovered,
  }
}

/** A framework of /state and /frameworks, without its tasks. */
export function frameworkOf(row: FrameworkRow, views: Views): Json {
  const { view } = row
  const { info } = view
  const framework: Json = {
    ...frameworkSummaryOf(row),
    ...ownerOf(row),
    failover_timeout: info.failover_timeout ?? 0,
    checkpoint: info.checkpoint ?? false,
    registered_time: seconds(view.registeredAt),
    unregistered_time: row.completedAt === undefined ? 0 : seconds(row.completedAt),
    resources: legacyResources(row.used.plus(row.offered)),
    offers: [...row.offers.values()].map(offerOf),
    executors: [...row.executors.values()].filter(({ info }) => views.executor(info, view.info)).map(executorOf),
  }
  if (view.reregisteredAt !== undefined) framework.reregistered_time = seconds(view.reregisteredAt)
  if (info.labels) framework.labels = labelsOf(info.labels)
  if (view.constraints) framework.offer_constraints = toJson('mesos.v1.scheduler.OfferConstraints', view.constraints)
  return framework
}

function ownerOf({ view: { info } }: FrameworkRow): Json {
  const multiRole = capabilitiesOf(info).has('MULTI_ROLE')
  return {
    user: info.user,
    ...(info.principal === undefined ? {} : { principal: info.principal }),
    ...(multiRole ? { roles: rolesOf(info) } : { role: info.role ?? '*' }),
  }
}

/** The framework of the feed: the one of /state-summary, with whose it is, without tasks (docs/architecture.md). */
export function feedFrameworkOf(row: FrameworkRow): Json {
  return { ...frameworkSummaryOf(row), ...ownerOf(row), roles: rolesOf(row.view.info) }
}

const labelsOf = (labels: Labels | undefined): Label[] => labels?.labels ?? []

function offerOf(offer: Offer): Json {
  return {
    id: offer.id.value,
    framework_id: offer.framework_id.value,
    allocation_info: offer.allocation_info ?? {},
    slave_id: offer.agent_id.value,
    resources: legacyResources(Resources.from(offer.resources ?? [])),
  }
}

export function executorOf({ agentId, frameworkId, info }: ExecutorRow): Json {
  const executor: Json = {
    executor_id: info.executor_id.value,
    name: info.name ?? '',
    framework_id: frameworkId,
    command: commandOf(info),
    resources: legacyResources(Resources.from(info.resources ?? [])),
    slave_id: agentId,
  }
  const role = info.resources?.find(resource => resource.allocation_info)?.allocation_info?.role
  if (role !== undefined) executor.role = role
  if (info.labels) executor.labels = labelsOf(info.labels)
  if (info.type !== undefined && info.type !== 'UNKNOWN') executor.type = info.type
  return executor
}

function commandOf({ command }: ExecutorInfo): Json {
  if (!command) return { argv: [], uris: [] }
  const result: Json = {
    shell: command.shell ?? true,
    argv: command.arguments ?? [],
    uris: (command.uris ?? []).map(({ value, executable }) => ({ value, executable: executable ?? false })),
  }
  if (command.value !== undefined) result.value = command.value
  if (command.environment) result.environment = toJson('mesos.v1.Environment', command.environment)
  return result
}
