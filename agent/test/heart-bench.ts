import type { AgentToMaster, FrameworkInfo, MasterToAgent, TaskInfo } from '@meseta/common/protocol/mesos'
import type { AgentConfig } from '../src/core/core.ts'
import { Heart } from '../src/core/heart.ts'
import type { Command, Effect, ProbeResult } from '../src/core/messages.ts'
import { framework, taskInfo } from './harness.ts'

export const config: AgentConfig = {
  workDir: '/work',
  hostname: 'host',
  ip: '10.0.0.1',
  port: 5051,
  endpoint: '10.0.0.1:5051',
  version: '1.11.0',
  resources: [],
  attributes: [],
  capabilities: [],
  taskPath: '/bin',
  nodePath: '/bin/node',
  environment: {},
  shutdownGrace: 5_000,
}

/** A heart with its time, and what it wanted done. Nothing of it is done; what is to have happened is told by commands. */
export class HeartBench {
  readonly heart: Heart
  readonly effects: Effect[] = []
  mono = 1_000
  /** What the wall's clock is ahead; it may jump. */
  wallAhead = 1_000_000
  #acknowledged = 0

  constructor(rest: Partial<AgentConfig> = {}) {
    this.heart = new Heart({ ...config, ...rest }, 'seed')
  }

  step(...commands: Command[]): Effect[] {
    const effects = this.heart.step({ wall: this.wallAhead + this.mono, mono: this.mono }, commands)
    this.effects.push(...effects)
    return effects
  }

  /** Lets time pass, from deadline to deadline. */
  pass(milliseconds: number): void {
    const end = this.mono + milliseconds
    for (let next = this.heart.nextDeadline(); next !== undefined && next <= end; next = this.heart.nextDeadline()) {
      this.mono = Math.max(this.mono, next)
      this.step({ type: 'tick' })
    }
    this.mono = end
  }

  master(message: MasterToAgent): Effect[] {
    return this.step({ type: 'master', message })
  }

  register(): void {
    this.step({ type: 'link-opened', epoch: 1 })
    this.master({ registered: { agent_id: { value: 'agent-1' } } })
  }

  /** Launches a task as the master does, and tells that its process runs. */
  run(id: string, rest: Partial<TaskInfo> = {}, info: FrameworkInfo = framework): void {
    this.master({ run_task: { framework_info: info, task: taskInfo(id, 'sleep 1000', rest) } })
    this.started(id)
  }

  started(id: string): void {
    this.step({ type: 'started', container: this.task(id).container, pid: 7 })
  }

  /** The process of a task ends, and nothing of it is left. */
  exit(id: string, code: number): void {
    const { container } = this.task(id)
    this.step({ type: 'exited', container, exit: { kind: 'exited', code } })
    this.step({ type: 'reaped', container })
  }

  probed(id: string, probe: 'health' | 'check', result: ProbeResult): void {
    this.step({ type: 'probed', task: `fw-1/${id}`, probe, result })
  }

  /** Acknowledges what was sent, until nothing new is. */
  acknowledgeAll(): void {
    for (let sent = this.sent(); this.#acknowledged < sent.length; sent = this.sent()) {
      const status = sent[this.#acknowledged++]?.status_update?.status
      if (status !== undefined)
        this.master({
          acknowledge: { framework_id: { value: 'fw-1' }, task_id: status.task_id, uuid: status.uuid ?? '' },
        })
    }
  }

  task(id: string) {
    const task = this.heart.core.tasks.get(`fw-1/${id}`)
    if (task === undefined) throw new Error(`there is no task ${id}`)
    return task
  }

  of<T extends Effect['type']>(type: T): Extract<Effect, { type: T }>[] {
    return this.effects.filter((effect): effect is Extract<Effect, { type: T }> => effect.type === type)
  }

  sent(): AgentToMaster[] {
    return this.of('send').map(effect => effect.message)
  }

  /** States told of a task so far, each update once; all that was sent is acknowledged first. */
  told(id: string): string[] {
    this.acknowledgeAll()
    const uuids = new Set<string>()
    return this.sent().flatMap(({ status_update: update }) => {
      const { status } = update ?? {}
      if (status?.task_id.value !== id || uuids.has(status.uuid ?? '')) return []
      uuids.add(status.uuid ?? '')
      return [status.healthy === undefined ? status.state : `${status.state} ${status.healthy}`]
    })
  }
}
