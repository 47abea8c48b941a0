import type { DrainConfig } from '@meseta/common/protocol/mesos'
import { layout } from '../checkpoints/layout.ts'
import { checkpointVersion, type StoredDrain } from '../checkpoints/stored.ts'
import { type Core, hasCapability } from './core.ts'
import { defaultGrace, killTask, policyGrace } from './killing.ts'
import type { TaskEntry } from './model.ts'

/** The master wants this agent empty (agent contract, section 5): it is stored, no task is taken any more, and all are killed. */
export function drain(core: Core, config: DrainConfig): void {
  if (core.tasks.size === 0) return
  if (!core.drain) core.log('warn', 'the agent is drained', { tasks: core.tasks.size })
  const stored: StoredDrain = {
    version: checkpointVersion,
    config,
    startedAt: core.drain?.startedAt ?? core.now.wall,
  }
  core.effects.push({ type: 'write', lane: 'agent', path: layout.drain(core.id), value: stored })
  goOnDraining(core, stored)
}

/** Also after a restart: what was not killed yet is. */
export function goOnDraining(core: Core, stored: StoredDrain): void {
  core.drain = stored
  for (const task of [...core.tasks.values()]) drainTask(core, task, stored.config)
}

function drainTask(core: Core, task: TaskEntry, { max_grace_period: longest, mark_gone }: DrainConfig): void {
  const own = policyGrace(task.info.kill_policy)
  const most = longest && longest.nanoseconds / 1e6
  const isGone = mark_gone === true && hasCapability(task.executor.framework, 'PARTITION_AWARE')
  killTask(core, task, {
    grace: most === undefined ? (own ?? defaultGrace) : Math.min(own ?? most, most),
    final: isGone ? 'TASK_GONE_BY_OPERATOR' : 'TASK_KILLED',
    reason: 'REASON_AGENT_DRAINING',
    message: 'The agent is being drained',
  })
}

/** The end of the last task was acknowledged: nothing is left to be done. The master offers this agent when it wants to. */
export function endDrain(core: Core): void {
  if (core.drain === undefined || core.tasks.size > 0) return
  core.drain = undefined
  core.effects.push({ type: 'forget', lane: 'agent', path: layout.drain(core.id) })
}
