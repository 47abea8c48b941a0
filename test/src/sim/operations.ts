import type {
  Offer,
  OfferOperation,
  OperationState,
  OperationStatus,
  Resource,
  SchedulerCall,
} from '@meseta/common/protocol/mesos'
import type { SeededRandom } from '@meseta/common/sim/random'

/** An operation that was begun. On its framework's disk, as its tasks are. */
interface KnownOperation {
  readonly id: string
  readonly agent: string
  state: OperationState
}

const ends: ReadonlySet<OperationState> = new Set([
  'OPERATION_FINISHED',
  'OPERATION_FAILED',
  'OPERATION_ERROR',
  'OPERATION_DROPPED',
  'OPERATION_GONE_BY_OPERATOR',
])
const megabytes = 64

/** What a framework does with disk: it reserves, makes volumes, and takes both back, each operation under an id of its own. */
export class Operations {
  readonly all = new Map<string, KnownOperation>()
  readonly #name: string
  /** Of the role, which is the framework's name. */
  readonly #reservation: NonNullable<Resource['reservations']>

  constructor(name: string) {
    this.#name = name
    this.#reservation = [{ type: 'DYNAMIC', role: name }]
  }

  /** Those whose end is not known. */
  get live(): KnownOperation[] {
    return [...this.all.values()].filter(({ state }) => !ends.has(state))
  }

  /** An operation on an offer, stored before it is sent; undefined where there is no disk. */
  begin(offer: Offer, random: SeededRandom): OfferOperation | undefined {
    const disks = (offer.resources ?? []).filter(
      ({ name, scalar }) => name === 'disk' && (scalar?.value ?? 0) >= megabytes,
    )
    if (disks.length === 0) return undefined
    const id = `${this.#name}-op-${this.all.size}`
    this.all.set(id, { id, agent: offer.agent_id.value, state: 'OPERATION_PENDING' })
    return { id: { value: id }, ...this.#operationOn(random.pick(disks), id, random) }
  }

  #operationOn(disk: Resource, id: string, random: SeededRandom): Omit<OfferOperation, 'id'> {
    const volumes = [disk]
    if (disk.disk?.persistence) return { type: 'DESTROY', destroy: { volumes } }
    const part: Resource = { ...disk, scalar: { value: megabytes } }
    if (!disk.reservations?.length)
      return { type: 'RESERVE', reserve: { resources: [{ ...part, reservations: this.#reservation }] } }
    if (random.chance(0.5)) return { type: 'UNRESERVE', unreserve: { resources: [part] } }
    const volume = { container_path: 'data', mode: 'RW' as const }
    return { type: 'CREATE', create: { volumes: [{ ...part, disk: { persistence: { id }, volume } }] } }
  }

  /** What is wrong with a status, or undefined: an operation ends once, and in one way. */
  heard({ operation_id, state }: OperationStatus): string | undefined {
    const known = this.all.get(operation_id?.value ?? '')
    if (!known) return `told of operation ${operation_id?.value}, which it never began`
    if (ends.has(known.state) && ends.has(state) && known.state !== state)
      return `${known.id} was ${known.state} and is ${state}`
    if (!ends.has(known.state)) known.state = state
    return undefined
  }

  reconciliation(): SchedulerCall | undefined {
    const operations = this.live.map(({ id, agent }) => ({ operation_id: { value: id }, agent_id: { value: agent } }))
    return operations.length === 0 ? undefined : { type: 'RECONCILE_OPERATIONS', reconcile_operations: { operations } }
  }
}
