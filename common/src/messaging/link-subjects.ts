/** A cluster's name as one part of a subject: whatever a subject does not take is written as `%` and hex digits. */
const part = (cluster: string): string =>
  encodeURIComponent(cluster).replace(/[.!~*'()]/g, char => `%${char.charCodeAt(0).toString(16)}`)

/** Where an agent speaks to the leader of an epoch. */
export const toMaster = (cluster: string, epoch: number, link: string): string => `m.${part(cluster)}.${epoch}.${link}`

/** Where the leader of an epoch listens to all its agents. */
export const allToMaster = (cluster: string, epoch: number): string => `m.${part(cluster)}.${epoch}.*`

/** Where the leader speaks to an agent. */
export const toAgent = (cluster: string, link: string): string => `a.${part(cluster)}.${link}`

/** Where the leader sends its beacon. */
export const beacons = (cluster: string): string => `l.${part(cluster)}`

/** The leader's name for itself where its agents speak; no link id begins so. */
export const echoLink = '_echo'
