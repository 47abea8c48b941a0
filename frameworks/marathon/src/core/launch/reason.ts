import type { Offer } from '@meseta/common/protocol/mesos'

/** Why an offer was of no use, in the order of the funnel (contract 6.4). */
export const rejectReasons = [
  'UnfulfilledRole',
  'UnfulfilledConstraint',
  'NoCorrespondingReservationFound',
  'AgentMaintenance',
  'InsufficientCpus',
  'InsufficientMemory',
  'InsufficientDisk',
  'InsufficientGpus',
  'InsufficientPorts',
  'DeclinedScarceResources',
] as const

export type RejectReason = (typeof rejectReasons)[number]

/** One refusal with what was compared. */
export interface Reject {
  readonly reason: RejectReason
  readonly needs?: number | string
  readonly has?: number | string
}

export interface OfferRejection {
  readonly offer: Offer
  readonly rejects: readonly Reject[]
}
