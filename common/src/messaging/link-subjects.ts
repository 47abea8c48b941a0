/** A cluster's name as one part of a subject: whatever a subject does not take is written as `%` and hex digits. */
const part = (cluster: string): string =>
  encodeURIComponent(cluster).replace(/[.!~*'()]/g, char => `%${char.charCodeAt(0).toString(16)}`)

/** Where an agent speaks to the leader of an epoch. */
export const toMaster = (cluster: string, epoch: number, link: string): string => `m.${part(cluster)}.${epoch}.${link}`

/** Where the leader of an epoch listens to all its agents. */
export const allToMaster = (cluster: string, epoch: number): string => `m.${part(cluster)}.${epoch}.>`

/** The link of the agent that spoke to the leader of an epoch. */
export const linkIn = (subject: string): string => subject.slice(subject.indexOf('.', subject.indexOf('.', 2) + 1) + 1)

/**
 * The id of a link: what the agent's work-dir knows it by, after who it proved to be on the bus where it did. A bus whose servers let each
 * speak under its own name alone makes of it a proof; in a cluster without that it is a claim.
 */
export const linkOf = (identity: string | undefined, id: string): string =>
  identity === undefined ? id : `${identity}.${id}`

/** Who an agent proved to be; the whole link where it proved nothing. */
export const identityIn = (link: string): string => link.split('.', 1)[0]!

/** Where the leader speaks to an agent. */
export const toAgent = (cluster: string, link: string): string => `a.${part(cluster)}.${link}`

/** Where the leader sends its beacon. */
export const beacons = (cluster: string): string => `l.${part(cluster)}`

/** The leader's name for itself where its agents speak; no link id begins so. */
export const echoLink = '_echo'
