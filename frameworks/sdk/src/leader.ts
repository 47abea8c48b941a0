import type { Election, Member } from '@meseta/common/coordination/election'
import type { MasterInfo } from '@meseta/common/protocol/mesos'

/** Where masters are. */
export interface MasterSource {
  /** Base addresses to try, best first: `http://host:port`. May be empty for a while. */
  candidates(): readonly string[]
  /** Calls back when the leader has changed. Answers a function that ends it. */
  onChange(listener: () => void): () => void
}

/** A fixed list: `http://a:5050,http://b:5050`, or just `a:5050`. The leader is found by following their redirects. */
export function mastersOf(list: string): MasterSource {
  const urls = list
    .split(',')
    .map(one => one.trim())
    .filter(one => one !== '')
    .map(one => (/^https?:\/\//.test(one) ? one : `http://${one}`).replace(/\/+$/, ''))
  if (urls.length === 0) throw new Error('no master is named: give http://host:5050, several separated by commas')
  for (const url of urls)
    if (!URL.canParse(url)) throw new Error(`'${url}' is no address of a master: give http://host:5050`)
  return { candidates: () => urls, onChange: () => () => {} }
}

/** The leader as the election of masters shows it (Mesos contract: `json.info_<10 digits>` below `path`). */
export function electedMaster(election: Election, path: string): MasterSource & { stop(): void } {
  let leader: string | undefined
  const listeners = new Set<() => void>()
  const stop = election.watch(path, 'json.info_', members => {
    const now = addressOf(members[0])
    if (now === leader) return
    leader = now
    for (const listener of [...listeners]) listener()
  })
  return {
    candidates: () => (leader === undefined ? [] : [leader]),
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    stop,
  }
}

function addressOf(member: Member | undefined): string | undefined {
  if (member === undefined) return undefined
  try {
    const info = JSON.parse(Buffer.from(member.data).toString('utf8')) as Partial<MasterInfo>
    const host = info.address?.ip ?? info.address?.hostname ?? info.hostname
    const port = info.address?.port ?? info.port
    return host === undefined || port === undefined
      ? undefined
      : `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  } catch {
    return undefined
  }
}
