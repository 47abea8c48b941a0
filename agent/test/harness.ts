import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bus } from '@meseta/common/messaging/bus'
import { openMasterEnd } from '@meseta/common/messaging/master-end'
import { createEmbeddedBus } from '@meseta/common/messaging/open'
import type {
  AgentToMaster,
  FrameworkInfo,
  MasterToAgent,
  Reregister,
  TaskInfo,
  TaskStatus,
} from '@meseta/common/protocol/mesos'
import { systemClock } from '@meseta/common/service/clock'
import { systemRandom } from '@meseta/common/service/random'
import pino from 'pino'
import type { AgentConfig } from '../src/core/core.ts'
import { HostAgent } from '../src/host-agent.ts'

export const log = pino({ level: process.env.MESETA_TEST_LOG ?? 'silent' })

export const framework: FrameworkInfo = {
  id: { value: 'fw-1' },
  name: 'test',
  user: 'nobody',
  checkpoint: true,
  capabilities: [{ type: 'PARTITION_AWARE' }, { type: 'TASK_KILLING_STATE' }],
}

export async function tempFolder(t: { teardown(action: () => unknown): unknown }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'meseta-agent-'))
  // Tasks may run as other users than the test.
  await chmod(folder, 0o755)
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Resolves when the condition gives something; fails loudly after a time. Woken by events where it can be. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  limit = 15_000,
): Promise<T> {
  const end = performance.now() + limit
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > end) throw new Error(`waited ${limit} ms in vain for ${what}`)
    await new Promise(resolve => setTimeout(resolve, 15))
  }
}

export interface Seen {
  readonly status: TaskStatus
  readonly latest: string | undefined
}

/** A master as far as one agent sees it: registers it, acknowledges its updates unless told not to, remembers everything. */
export class FakeMaster {
  readonly updates: Seen[] = []
  readonly received: AgentToMaster[] = []
  readonly reregistrations: Reregister[] = []
  acknowledges = true
  onMessage: (message: AgentToMaster) => void = () => {}
  readonly #end: ReturnType<typeof openMasterEnd>
  #link = ''
  constructor(bus: Bus, cluster = 'test', epoch = 1) {
    this.#end = openMasterEnd({
      bus,
      cluster,
      epoch,
      masterInfo: { id: `master-${epoch}`, ip: 16777343, port: 5050 },
      clock: systemClock,
      random: systemRandom,
      log,
      events: {
        opened: link => {
          this.#link = link
        },
        received: (_link, message) => this.#receive(message),
        ended: () => {},
        heard: () => {},
      },
    })
  }

  send(message: MasterToAgent): void {
    if (!this.#end.send(this.#link, message)) throw new Error('there is no session with the agent')
  }

  run(id: string, command: string | TaskInfo['command'], rest: Partial<TaskInfo> = {}, info = framework): void {
    this.send({ run_task: { framework_info: info, task: taskInfo(id, command, rest) } })
  }

  kill(id: string, graceMs?: number): void {
    this.send({
      kill_task: {
        framework_id: { value: 'fw-1' },
        task_id: { value: id },
        ...(graceMs === undefined ? {} : { kill_policy: { grace_period: { nanoseconds: graceMs * 1e6 } } }),
      },
    })
  }

  acknowledge(status: TaskStatus): void {
    this.send({
      acknowledge: { framework_id: { value: 'fw-1' }, task_id: status.task_id, uuid: status.uuid ?? '' },
    })
  }

  statesOf(id: string): string[] {
    return this.of(id).map(status => status.state)
  }

  of(id: string): TaskStatus[] {
    const seen = new Set<string>()
    return this.updates
      .map(update => update.status)
      .filter(status => status.task_id.value === id && !seen.has(status.uuid ?? '') && seen.add(status.uuid ?? ''))
  }

  async status(id: string, state: string, which = 0): Promise<TaskStatus> {
    return until(
      `${state} of ${id} (seen: ${this.statesOf(id)})`,
      () => this.of(id).filter(status => status.state === state)[which],
    )
  }

  async registered(): Promise<void> {
    await until('registration', () => this.received.some(message => message.register ?? message.reregister))
  }

  stop(): Promise<void> {
    return this.#end.stop()
  }

  #receive(message: AgentToMaster): void {
    this.received.push(message)
    this.onMessage(message)
    const agent_id = { value: 'agent-1' }
    if (message.register) this.send({ registered: { agent_id } })
    if (message.reregister) {
      this.reregistrations.push(message.reregister)
      this.send({ reregistered: { agent_id } })
    }
    if (message.status_update) {
      const { status, latest_state } = message.status_update
      this.updates.push({ status, latest: latest_state })
      if (this.acknowledges) this.acknowledge(status)
    }
  }
}

export function taskInfo(id: string, command: string | TaskInfo['command'], rest: Partial<TaskInfo> = {}): TaskInfo {
  return {
    name: id,
    task_id: { value: id },
    agent_id: { value: 'agent-1' },
    resources: [{ name: 'cpus', type: 'SCALAR', scalar: { value: 0.1 }, allocation_info: { role: '*' } }],
    command: typeof command === 'string' ? { value: command } : command,
    ...rest,
  }
}

export const newBus = (): Bus => createEmbeddedBus({ failed: error => log.error({ err: error }, 'bus') })

/** An agent of this process in a folder of its own. */
export function hostAgent(
  workDir: string,
  bus: Bus,
  rest: Partial<AgentConfig> = {},
  gcDelay = 3_600_000,
  switchUser = false,
): HostAgent {
  return new HostAgent({
    config: {
      workDir,
      hostname: '127.0.0.1',
      ip: '127.0.0.1',
      port: 5051,
      endpoint: '127.0.0.1:5051',
      version: '1.11.0',
      resources: [{ name: 'cpus', type: 'SCALAR', scalar: { value: 2 } }],
      attributes: [],
      capabilities: [{ type: 'MULTI_ROLE' }],
      taskPath: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      nodePath: process.execPath,
      environment: {},
      shutdownGrace: 5_000,
      ...rest,
    },
    cluster: 'test',
    runtimeDir: join(workDir, 'runtime'),
    switchUser,
    gcDelay,
    fetcher: { maxBytes: 64 * 1024 * 1024, timeout: 20_000, stallTimeout: 5_000, frameworksHome: undefined },
    bus,
    clock: systemClock,
    random: systemRandom,
    log,
    fatal: error => log.error({ err: error }, 'fatal'),
  })
}

/** An agent that a master has registered, with the folder it works in. Its tasks end with the test. */
export async function registeredHost(
  t: { teardown(action: () => unknown): unknown },
  { switchUser = false }: { switchUser?: boolean } = {},
): Promise<{ folder: string; master: FakeMaster; host: HostAgent }> {
  const folder = await tempFolder(t)
  const bus = newBus()
  const master = new FakeMaster(bus)
  const host = hostAgent(folder, bus, {}, 3_600_000, switchUser)
  t.teardown(async () => {
    await host.agent.stopTasks()
    await host.stop()
    await master.stop()
    await bus.close()
  })
  await host.start()
  await master.registered()
  return { folder, master, host }
}

/** Puts a link to a folder in the place of another and that back again, for as long as it lives. */
const swapper = `
const { renameSync, symlinkSync, unlinkSync } = require('node:fs')
const [inner, aside, outside] = process.argv.slice(1)
const attempt = action => { try { action() } catch {} }
console.log('swapping')
for (;;) {
  attempt(() => renameSync(inner, aside))
  attempt(() => symlinkSync(outside, inner))
  attempt(() => unlinkSync(inner))
  attempt(() => renameSync(aside, inner))
}`

/** Lets a folder and a link to one outside take turns at a path, until the test ends. Resolves when they do. */
export async function swapWithLink(
  t: { teardown(action: () => unknown): unknown },
  { inner, aside, outside }: { readonly inner: string; readonly aside: string; readonly outside: string },
): Promise<void> {
  const child = spawn(process.execPath, ['-e', swapper, inner, aside, outside])
  t.teardown(async () => {
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  })
  await once(child.stdout, 'data')
}
