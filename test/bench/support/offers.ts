import type { Offer } from '@meseta/common/protocol/mesos'

/** Whether an offer holds at least so many cpus: of an agent whose tasks take all of them memory is left, and offered. */
export const hasCpus = (offer: Offer, cpus: number): boolean =>
  (offer.resources ?? []).some(({ name, scalar }) => name === 'cpus' && (scalar?.value ?? 0) >= cpus)
