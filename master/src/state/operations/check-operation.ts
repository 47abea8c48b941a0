import { checkId } from '@meseta/common/protocol/ids'
import type {
  OfferOperation,
  OfferOperationType,
  Resource,
  ResourceReservationInfo,
} from '@meseta/common/protocol/mesos'
import { conversionOf } from '@meseta/common/resources/conversions'
import { normalize } from '@meseta/common/resources/formats'
import { Resources } from '@meseta/common/resources/resources'
import { validateResources, validateVolume } from '@meseta/common/resources/validate'
import type { Cluster } from '../cluster.ts'
import type { Agent, Framework } from '../records.ts'
import { isVolumeUsed } from './volume-use.ts'

/** Who asks for an operation on an agent's resources: a framework, or an operator. */
export interface Asker {
  readonly agent: Agent
  readonly framework: Framework | undefined
  /** The framework's, or that of the operator who was authenticated. */
  readonly principal: string | undefined
}

type Check = (cluster: Cluster, asker: Asker, operation: OfferOperation) => string | undefined

/** Why an operation can not be had, whatever is offered; names the field. Undefined when it can (Mesos contract 2.4). */
export function checkOperation(cluster: Cluster, asker: Asker, operation: OfferOperation): string | undefined {
  const check = checks[operation.type ?? 'UNKNOWN']
  if (!check) return `type: ${operation.type ?? 'UNKNOWN'} is no operation that this master knows`
  const refusal = check(cluster, asker, operation)
  if (refusal !== undefined) return refusal
  const conversion = conversionOf(operation)
  return 'refused' in conversion ? conversion.refused : undefined
}

const noProvider = 'no resource provider on the agent offers such disks'

const checks: Partial<Record<OfferOperationType, Check>> = {
  RESERVE: (_cluster, asker, { reserve }) => {
    const { resources = [], source = [] } = reserve ?? {}
    if (source.length > 0 && asker.framework) return 'reserve.source: only operators may give it'
    return (
      checkList('reserve.resources', resources, asker) ??
      (source.length > 0 ? checkList('reserve.source', source, asker) : undefined) ??
      first('reserve.resources', resources, resource => checkReservation(asker, resource))
    )
  },
  UNRESERVE: (_cluster, asker, { unreserve }) =>
    checkList('unreserve.resources', unreserve?.resources, asker) ??
    first('unreserve.resources', unreserve?.resources, resource =>
      innermost(resource)?.type === 'DYNAMIC' ? isNoVolume(resource) : 'is not dynamically reserved',
    ),
  CREATE: (_cluster, asker, { create }) =>
    checkList('create.volumes', create?.volumes, asker) ??
    first('create.volumes', create?.volumes, volume => checkNewVolume(asker, volume)) ??
    checkUniqueVolumes(asker.agent, create?.volumes ?? []),
  DESTROY: (cluster, asker, { destroy }) =>
    checkList('destroy.volumes', destroy?.volumes, asker) ??
    first('destroy.volumes', destroy?.volumes, volume => checkOldVolume(cluster, asker.agent, volume)),
  GROW_VOLUME: (_cluster, asker, { grow_volume: grow }) => {
    if (!grow) return 'grow_volume: must be given'
    return (
      canResize(asker) ??
      checkList('grow_volume.volume', [grow.volume], asker) ??
      checkList('grow_volume.addition', [grow.addition], asker)
    )
  },
  SHRINK_VOLUME: (_cluster, asker, { shrink_volume: shrink }) => {
    if (!shrink) return 'shrink_volume: must be given'
    if (!Number.isFinite(shrink.subtract.value)) return 'shrink_volume.subtract: must be a number'
    return canResize(asker) ?? checkList('shrink_volume.volume', [shrink.volume], asker)
  },
  CREATE_DISK: (_cluster, asker, { create_disk: create }) => {
    if (!create) return 'create_disk: must be given'
    const { source, target_type: target, target_profile: profile } = create
    const invalid = checkList('create_disk.source', [source], asker)
    if (invalid !== undefined) return invalid
    if (source.disk?.source?.type !== 'RAW') return 'create_disk.source: must be a RAW disk'
    if (target !== 'MOUNT' && target !== 'BLOCK') return 'create_disk.target_type: must be MOUNT or BLOCK'
    if ((source.disk.source.profile === undefined) === (profile === undefined))
      return 'create_disk.target_profile: must be given for a disk without a profile, and for no other'
    return `create_disk.source: ${noProvider}`
  },
  DESTROY_DISK: (_cluster, asker, { destroy_disk: destroy }) => {
    if (!destroy) return 'destroy_disk: must be given'
    const invalid = checkList('destroy_disk.source', [destroy.source], asker)
    if (invalid !== undefined) return invalid
    const { disk } = destroy.source
    if (disk?.persistence) return 'destroy_disk.source: a persistent volume is on it, which must be destroyed first'
    if (disk?.source?.id === undefined) return 'destroy_disk.source: must have disk.source.id'
    return `destroy_disk.source: ${noProvider}`
  },
}

/** What holds for the resources of every operation. */
function checkList(path: string, resources: readonly Resource[] | undefined, asker: Asker): string | undefined {
  if (!resources || resources.length === 0) return `${path}: must not be empty`
  const invalid = validateResources(resources)
  if (invalid !== undefined) return `${path}: ${invalid}`
  if (!asker.framework && resources.some(resource => resource.allocation_info))
    return `${path}: must not have allocation_info, as nothing of it is allocated`
  // A volume of nothing would be created, and be nowhere.
  if (resources.some(resource => Resources.from([resource]).isEmpty)) return `${path}: must be more than 0`
  const providers = new Set(resources.map(resource => resource.provider_id?.value))
  return providers.size > 1 ? `${path}: must be of one resource provider` : undefined
}

/** The first that is refused, with its place. */
function first(
  path: string,
  resources: readonly Resource[] = [],
  check: (resource: Resource) => string | undefined,
): string | undefined {
  for (const [index, resource] of resources.entries()) {
    const reason = check(normalize(resource))
    if (reason !== undefined) return `${path}[${index}]: ${reason}`
  }
  return undefined
}

/** Takes the new format, as all below. */
function checkReservation({ agent, framework, principal }: Asker, resource: Resource): string | undefined {
  const reservation = innermost(resource)
  if (reservation?.type !== 'DYNAMIC') return 'is not dynamically reserved'
  if (resource.revocable) return 'is revocable, and can not be reserved'
  if (resource.disk?.persistence) return 'is a persistent volume, which must be reserved already'
  const role = reservation.role ?? '*'
  if (framework) {
    const allocated = resource.allocation_info?.role
    if (!framework.roles.includes(role)) return `is reserved for '${role}', which is no role of the framework`
    if (allocated !== role) return `is reserved for '${role}', and allocated to '${allocated}'`
  }
  if (role.includes('/') && !agent.capabilities.includes('HIERARCHICAL_ROLE'))
    return `is reserved for '${role}', and the agent does not have the capability HIERARCHICAL_ROLE`
  if ((resource.reservations?.length ?? 0) > 1 && !agent.capabilities.includes('RESERVATION_REFINEMENT'))
    return 'has a refined reservation, and the agent does not have the capability RESERVATION_REFINEMENT'
  return checkPrincipal(principal, reservation.principal, 'reservation.principal')
}

/** What a framework or operator with a principal makes bears it. */
function checkPrincipal(asking: string | undefined, borne: string | undefined, field: string): string | undefined {
  if (asking === undefined || borne === asking) return undefined
  return borne === undefined
    ? `has no ${field}, and must have that of who asks: '${asking}'`
    : `has another ${field} than that of who asks: '${asking}'`
}

const isNoVolume = ({ disk }: Resource): string | undefined =>
  disk?.persistence ? 'is a persistent volume, which must be destroyed first' : undefined

function checkNewVolume({ framework, principal }: Asker, volume: Resource): string | undefined {
  const invalid = validateVolume(volume)
  if (invalid !== undefined) return invalid
  if (volume.shared && framework && !framework.capabilities.has('SHARED_RESOURCES'))
    return 'is shared, and the framework does not have the capability SHARED_RESOURCES'
  return checkPrincipal(principal, volume.disk?.persistence?.principal, 'disk.persistence.principal')
}

/** Persistence ids are unique by role and agent. */
function checkUniqueVolumes(agent: Agent, volumes: readonly Resource[]): string | undefined {
  const taken = new Set(agent.total.persistentVolumes().toArray().map(volumeKey))
  for (const [index, volume] of volumes.entries()) {
    const key = volumeKey(normalize(volume))
    if (taken.has(key))
      return `create.volumes[${index}]: the role has a volume with the id '${volume.disk?.persistence?.id}' on the agent already`
    taken.add(key)
  }
  return undefined
}

/** Neither may hold a NUL. */
const volumeKey = (volume: Resource): string => `${innermost(volume)?.role}\u0000${volume.disk?.persistence?.id}`

function checkOldVolume(cluster: Cluster, agent: Agent, volume: Resource): string | undefined {
  if (!volume.disk?.persistence) return 'is no persistent volume'
  const bare = Resources.from([volume]).unallocated()
  if (!agent.total.contains(bare)) return 'is not on the agent'
  if (isVolumeUsed(cluster, agent, bare)) return 'is used by a task or an executor'
  return undefined
}

const canResize = ({ agent }: Asker): string | undefined =>
  agent.capabilities.includes('RESIZE_VOLUME') ? undefined : 'the agent does not have the capability RESIZE_VOLUME'

const innermost = ({ reservations }: Resource): ResourceReservationInfo | undefined => reservations?.at(-1)

/** Why updates about an operation can not be had, or undefined: who gives it an id asks for them (Mesos contract 2.4.5). */
export function checkFeedback(
  cluster: Cluster,
  agent: Agent,
  framework: Framework,
  operation: OfferOperation,
): string | undefined {
  const id = operation.id?.value
  if (id === undefined) return undefined
  const invalid = checkId(id)
  if (invalid !== undefined) return `id.value: ${invalid}`
  const missing = ['RESOURCE_PROVIDER', 'AGENT_OPERATION_FEEDBACK'].find(name => !agent.capabilities.includes(name))
  if (missing !== undefined) return `id: the agent does not have the capability ${missing}`
  if (cluster.operations.find(framework.id, id)) return 'id: names an operation whose end is not acknowledged yet'
  return undefined
}
