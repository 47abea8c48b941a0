import { markOfStatus } from './app-status.ts'
import { plural, reasonWord, stateWord, timeOf } from './format.ts'
import { isFailed, type Mark } from './marks.ts'
import { statusOfAgent } from './nodes.ts'
import { servicesOf } from './services.ts'
import type { Store } from './store.ts'
import { activeBy, appOfTaskId } from './tasks.ts'

/** One thing that wants a person's eye. */
export interface Need {
  readonly key: string
  readonly mark: Mark
  readonly name: string
  readonly word: string
  readonly sentence: string
  /** ms; NaN when unknown. */
  readonly since: number
  readonly href: string
}

/** A failure is news for so long, ms. */
const failuresShown = 15 * 60_000

/** What waits, is degraded, is out of reach or has failed lately; the worst first. */
export function needsOf(store: Store, now: number): Need[] {
  const services = serviceNeeds(store)
  const named = new Set(services.map(({ name }) => name))
  return [...agentNeeds(store), ...services, ...failures(store, now).filter(({ name }) => !named.has(name))]
}

function serviceNeeds(store: Store): Need[] {
  return servicesOf(store)
    .filter(({ status }) => ['degraded', 'waiting', 'delayed', 'recovering'].includes(status))
    .map(({ id, status, reason, wait, running, wanted }) => {
      const failure = store.get('app', id)?.lastTaskFailure
      return {
        key: `service ${id}`,
        mark: markOfStatus(status),
        name: id,
        word: `${status} ${running}/${wanted}`,
        sentence: reason || 'it has fewer instances than wanted',
        since: wait ? timeOf(wait.since) : timeOf(failure?.timestamp),
        href: `#/apps/${encodeURIComponent(id)}`,
      }
    })
}

function agentNeeds(store: Store): Need[] {
  const gone = store.all('agent').filter(agent => statusOfAgent(agent).word === 'unreachable')
  if (gone.length === 0) return []
  const tasks = activeBy(store.all('task'), 'slave_id')
  return gone.map(({ id, hostname }) => ({
    key: `agent ${id}`,
    mark: 'bad' as const,
    name: hostname,
    word: 'unreachable',
    sentence: `the master does not hear this node; ${plural(tasks.get(id) ?? 0, 'task')} on it`,
    since: Number.NaN,
    href: '#/nodes',
  }))
}

/** Failures of the same thing are one line with their number. */
function failures(store: Store, now: number): Need[] {
  const groups = new Map<string, { count: number; need: Need }>()
  for (const [key, task] of store.entries('task')) {
    const at = (task.timestamp ?? 0) * 1000
    if (!isFailed(task.state) || now - at > failuresShown) continue
    const name = appOfTaskId(task.id) || task.name
    const group = groups.get(`${task.framework_id} ${name}`)
    const count = (group?.count ?? 0) + 1
    const newest = group === undefined || at > group.need.since
    const reason = task.message || reasonWord(task.reason) || 'no reason was given'
    const need: Need = newest
      ? {
          key: `task ${task.framework_id} ${name}`,
          mark: 'bad',
          name,
          word: stateWord(task.state),
          sentence: reason,
          since: at,
          href: `#/tasks/${encodeURIComponent(key)}`,
        }
      : group.need
    groups.set(`${task.framework_id} ${name}`, { count, need })
  }
  return [...groups.values()]
    .map(({ count, need }) => (count > 1 ? { ...need, word: `${need.word} ${count} times` } : need))
    .sort((a, b) => b.since - a.since)
}
