import type { Registered, Reregistered } from '@meseta/common/protocol/mesos'
import { layout } from '../checkpoints/layout.ts'
import { checkpointVersion } from '../checkpoints/stored.ts'
import { everyLane } from '../lanes.ts'
import type { Core } from './core.ts'
import { taskKey } from './model.ts'
import { pauseOperations, resumeOperations } from './operations.ts'
import { agentInfo, registerMessage, reregisterMessage } from './reports.ts'
import { applyUpdateEffects, reportUnknown } from './statuses.ts'

/** First wait for the master's answer, doubling to the longest, ms. */
const firstBackoff = 1_000
const longestBackoff = 60_000
const retry = { kind: 'register', subject: '' } as const

/** A session with a leading master is open. The link has already given this agent its turn, so nothing is waited for. */
export function linkOpened(core: Core, epoch: number): void {
  if (core.registration === 'unregistered') return
  follow(core, epoch)
  core.registration = 'registering'
  core.registrationBackoff = firstBackoff
  register(core)
}

/** Before a master is told anything: a next life must not listen to those whom this one has deposed. */
function follow(core: Core, epoch: number): void {
  if (epoch === core.followed) return
  core.followed = epoch
  const value = { version: checkpointVersion, epoch }
  core.effects.push({ type: 'write', lane: 'agent', path: layout.followed, value })
}

/** The master was lost: it is not told anything until it knows this agent again. */
export function linkEnded(core: Core): void {
  core.timers.cancel(retry)
  core.updates.pause()
  pauseOperations(core)
  if (core.registration !== 'unregistered') core.registration = 'disconnected'
}

/** Introduces the agent to the master, and again after a random part of a growing time until it answers. */
export function register(core: Core): void {
  if (core.registration !== 'registering') return
  const message =
    core.agentId === undefined ? { register: registerMessage(core) } : { reregister: reregisterMessage(core) }
  core.effects.push({ type: 'send', lane: 'agent', message })
  const wait = core.registrationBackoff * (0.5 + core.ids.fraction() / 2)
  core.timers.set(retry, core.now.mono + wait)
  core.registrationBackoff = Math.min(core.registrationBackoff * 2, longestBackoff)
}

export function registered(core: Core, { agent_id }: Registered): void {
  if (!isAnswered(core)) return
  if (core.agentId !== undefined && core.agentId !== agent_id.value) {
    core.effects.push({
      type: 'halt',
      lane: 'agent',
      message: `the master registered this agent as ${agent_id.value}, but its checkpoints are of ${core.agentId}; use another --work-dir for a new agent`,
    })
    return
  }
  if (core.agentId === undefined) {
    core.agentId = agent_id.value
    // Before anything is done under this id: an agent that forgets it would not find its tasks again.
    noteAgent(core, agent_id.value, everyLane)
    core.effects.push({ type: 'link', lane: everyLane, path: layout.latestAgent, target: agent_id.value })
  }
  known(core)
}

/** Stores what the agent says of itself. */
export function noteAgent(core: Core, id: string, lane: string): void {
  const value = { version: checkpointVersion, info: agentInfo(core) }
  core.effects.push({ type: 'write', lane, path: layout.agentInfo(id), value })
}

export function reregistered(core: Core, { agent_id, reconciliations }: Reregistered): void {
  if (!isAnswered(core) || core.agentId !== agent_id.value) return
  known(core)
  for (const { framework_id, task_id } of reconciliations ?? []) {
    const key = taskKey(framework_id.value, task_id.value)
    if (core.tasks.has(key) || core.updates.stream(key) !== undefined) continue
    const framework = core.frameworks.get(framework_id.value) ?? { id: framework_id.value }
    reportUnknown(core, framework, task_id.value, 'REASON_RECONCILIATION', 'Task is unknown to the agent')
  }
}

/** Takes leave of the master: the checkpoints of this agent are not used any more, and the next start is a new agent. */
export function unregister(core: Core, reason: string): void {
  if (core.registration === 'unregistered') return
  core.timers.cancel(retry)
  // Behind the ends of its tasks, which are stored before they are told.
  core.effects.push({ type: 'send', lane: everyLane, message: { unregister: { reason } } })
  core.effects.push({ type: 'forget', lane: everyLane, path: layout.latestAgent })
  core.registration = 'unregistered'
  core.updates.pause()
  pauseOperations(core)
}

/** Whether an answer of the master counts: not one that was on its way when this agent took its leave. */
function isAnswered({ registration }: Core): boolean {
  return registration === 'registering' || registration === 'registered'
}

function known(core: Core): void {
  if (core.registration === 'registered') return
  core.timers.cancel(retry)
  core.registration = 'registered'
  applyUpdateEffects(core, core.updates.resume(core.now.mono))
  resumeOperations(core)
}
