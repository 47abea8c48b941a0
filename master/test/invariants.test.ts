import type { Task, TaskState } from '@meseta/common/protocol/mesos'
import { holdsResources, isTerminal } from '@meseta/common/protocol/task-state'
import { Resources } from '@meseta/common/resources/resources'
import { formatResources, parseResources } from '@meseta/common/resources/text'
import t from 'tap'
import { Shuffler } from '../src/allocator/shuffle.ts'
import { AgentModel, own } from './support/agent-model.ts'
import { HeartBench } from './support/heart-bench.ts'
import { create, destroy, reserve, unreserve } from './support/operations-bench.ts'
import { reserved, volume } from './support/volumes.ts'

const links = ['l0', 'l1', 'l2', 'l3', 'l4']
const roles = ['*', 'a', 'a/b', 'c']

/** A cluster to which anything happens, from a seed. */
class Storm {
  readonly bench = new HeartBench({ maxUnreachableTasksPerFramework: 5, maxCompletedFrameworks: 3 })
  readonly #dice: Shuffler
  readonly #agents = new Map<string, string>()
  /** By id: what operations made of agents. */
  readonly #models = new Map<string, AgentModel>()
  readonly #open = new Set<string>()
  #frameworks: { stream: string; id: string }[] = []
  #tasks = 0
  readonly #lost = new Set<string>()

  constructor(seed: number) {
    this.#dice = new Shuffler(seed)
  }

  roll(sides: number): number {
    return this.#dice.shuffle([...Array(sides).keys()])[0]!
  }

  #pick<Item>(items: Iterable<Item>): Item | undefined {
    const list = [...items]
    return list.length === 0 ? undefined : list[this.roll(list.length)]
  }

  step(): void {
    const actions = [
      () => this.#connect(),
      () => this.#subscribe(),
      () => this.#launch(),
      () => this.#launch(),
      () => this.#update(),
      () => this.#update(),
      () => this.#acknowledge(),
      () => this.#acknowledge(),
      () => this.#decline(),
      () => this.#operate(),
      () => this.#answerOperation(),
      () => this.#acknowledgeOperation(),
      () => this.bench.pass(1 + this.roll(3), [...this.#open]),
      () => this.#rare(),
    ]
    const before = this.bench.effects.length
    actions[this.roll(actions.length)]!()
    for (const effect of this.bench.effects.slice(before)) {
      if (effect.type === 'SEND') this.#model(effect.link)?.hear(effect.message)
      // Whoever was marked unreachable lost its session.
      if (effect.type === 'CLOSE_LINK') this.#break(effect.link)
    }
  }

  #model(link: string): AgentModel | undefined {
    const id = this.#agents.get(link)
    if (id === undefined) return undefined
    const model = this.#models.get(id) ?? new AgentModel()
    this.#models.set(id, model)
    return model
  }

  #connect(): void {
    const link = links[this.roll(links.length)]!
    if (this.#open.has(link)) return
    this.#open.add(link)
    const id = this.#agents.get(link)
    if (id === undefined) {
      this.#agents.set(link, this.bench.agent(link, { pid: `slave(1)@10.0.0.${link.slice(1)}:5051` }))
      return
    }
    this.bench.reregister(link, id, { ...this.#report(id), ...this.#model(link)!.report })
  }

  /** What an agent knows: what the master knew of it, some of which it has lost. */
  #report(id: string) {
    const { tables, heart } = this.bench
    const tasks: Task[] = []
    for (const frameworkId of tables.frameworks.keys())
      for (const { task } of tables.tasksOf(frameworkId))
        if (task.agent_id.value === id && !this.#isLost(task))
          tasks.push({ ...task, state: isTerminal(task.state) ? task.state : 'TASK_RUNNING' })
    const executors = [...tables.frameworks.values()].flatMap(row =>
      [...row.executors.values()]
        .filter(({ agentId }) => agentId === id)
        .map(({ frameworkId, info }) => ({ framework_id: { value: frameworkId }, executor_info: info })),
    )
    return { tasks, executors, frameworks: [...heart.cluster.frameworks.values()].map(({ info }) => info) }
  }

  /** What an agent has lost it never has again. */
  #isLost({ framework_id: framework, task_id: id }: Task): boolean {
    const key = `${framework.value}/${id.value}`
    if (this.roll(5) === 0) this.#lost.add(key)
    return this.#lost.has(key)
  }

  #subscribe(): void {
    const again = this.roll(3) === 0 ? this.#pick(this.#frameworks) : undefined
    if (!again && this.#frameworks.length >= 4) return
    const capabilities = [
      ...(this.roll(2) ? [{ type: 'MULTI_ROLE' as const }] : []),
      ...(this.roll(2) ? [{ type: 'PARTITION_AWARE' as const }] : []),
      ...(this.roll(2) ? [{ type: 'RESERVATION_REFINEMENT' as const }] : []),
      ...(this.roll(2) ? [{ type: 'SHARED_RESOURCES' as const }] : []),
    ]
    const chosen =
      capabilities[0]?.type === 'MULTI_ROLE' ? { roles: [roles[this.roll(4)]!] } : { role: roles[this.roll(4)]! }
    const framework = this.bench.framework({
      ...chosen,
      capabilities,
      checkpoint: this.roll(2) === 0,
      failover_timeout: this.roll(2) * 20,
      ...(again ? { id: { value: again.id } } : {}),
    })
    this.#frameworks = this.#frameworks.filter(({ id }) => id !== framework.id)
    if (framework.id) this.#frameworks.push(framework)
  }

  #launch(): void {
    const offer = this.#pick(this.bench.heart.cluster.offers.values())
    const framework = this.#frameworks.find(({ id }) => id === offer?.frameworkId)
    if (!offer || !framework) return
    const shown = { id: { value: offer.id }, agent_id: { value: offer.agentId } } as never
    const executor = {
      executor_id: { value: `e${this.roll(2)}` },
      command: { value: 'x' },
      resources: parseResources('cpus:0.1;mem:32'),
    }
    const tasks = Array.from({ length: 1 + this.roll(3) }, () => ({
      task_id: { value: `t${this.roll(8) === 0 ? 0 : this.#tasks++}` },
      resources: parseResources(`cpus:${this.roll(3)};mem:${16 + this.roll(64)}`),
      ...(this.roll(3) === 0 ? { executor } : {}),
    }))
    this.bench.launch(framework, shown, ...tasks)
  }

  #update(): void {
    const { tables } = this.bench
    const row = this.#pick([...tables.frameworks.keys()].flatMap(id => [...tables.tasksOf(id)]))
    const link = [...this.#agents].find(([, id]) => id === row?.task.agent_id.value)?.[0]
    if (!row || !link || !this.#open.has(link)) return
    const states: TaskState[] = ['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED', 'TASK_FAILED']
    this.bench.update(link, row.task.framework_id.value, row.task.task_id.value, states[this.roll(4)]!)
  }

  #acknowledge(): void {
    const framework = this.#pick(this.#frameworks)
    const task = framework && this.#pick(this.bench.heart.cluster.tasks.ofFramework(framework.id))
    if (!framework || !task?.forwarded?.uuid) return
    const acknowledge = { agent_id: { value: task.agentId }, task_id: { value: task.id }, uuid: task.forwarded?.uuid }
    this.bench.call(framework, { type: 'ACKNOWLEDGE', acknowledge })
  }

  #decline(): void {
    const offer = this.#pick(this.bench.heart.cluster.offers.values())
    const framework = this.#frameworks.find(({ id }) => id === offer?.frameworkId)
    if (!offer || !framework) return
    const decline = { offer_ids: [{ value: offer.id }], filters: { refuse_seconds: this.roll(5) } }
    this.bench.call(framework, { type: 'DECLINE', decline })
  }

  /** Reservations and volumes come and go, and tasks get them; some of it is refused. */
  #operate(): void {
    const offer = this.#pick(this.bench.heart.cluster.offers.values())
    const framework = this.#frameworks.find(({ id }) => id === offer?.frameworkId)
    if (!offer || !framework) return
    const { role } = offer
    const [theirs] = offer.resources.persistentVolumes().toArray()
    const kind = this.roll(2) === 0 ? { role, shared: {} } : { role }
    const shown = { id: { value: offer.id }, agent_id: { value: offer.agentId } } as never
    const task = this.bench.task(shown, {
      task_id: { value: `v${this.#tasks++}` },
      resources: [...parseResources('cpus:0.1;mem:16'), theirs ?? volume(20, 'v0', { role })],
    })
    const choices = [
      reserve(...reserved(`disk:${10 * this.roll(6)}`, role)),
      unreserve(...reserved('disk:10', role)),
      create(volume(20, `v${this.roll(4)}`, kind)),
      destroy(theirs ?? volume(20, 'v0', kind)),
      { type: 'LAUNCH' as const, launch: { task_infos: [task] } },
    ]
    const operations = Array.from({ length: 1 + this.roll(3) }, () => choices[this.roll(choices.length)]!)
    const id = { value: `o${this.roll(20)}` }
    this.bench.accept(framework, [shown], this.roll(2) ? operations : operations.map(one => ({ ...one, id })))
    const resources = reserved(`disk:${this.roll(200)}`, role)
    const agent_id = { value: offer.agentId }
    if (this.roll(3) === 0)
      this.bench.operate({ type: 'RESERVE_RESOURCES', reserve_resources: { agent_id, resources } })
  }

  #answerOperation(): void {
    const link = this.#pick(this.#open)
    const operation = link === undefined ? undefined : this.#pick(this.#model(link)?.operations.values() ?? [])
    if (link !== undefined && operation) this.bench.fromAgent(link, { operation_update: { operation } })
  }

  #acknowledgeOperation(): void {
    const framework = this.#pick(this.#frameworks)
    const record = framework && this.#pick(this.bench.heart.cluster.operations.ofFramework(framework.id))
    const { operation_id, uuid, agent_id } = record?.operation.latest_status ?? {}
    if (framework && operation_id && uuid && agent_id)
      this.bench.call(framework, {
        type: 'ACKNOWLEDGE_OPERATION_STATUS',
        acknowledge_operation_status: { operation_id, agent_id, uuid: uuid.value },
      })
  }

  #rare(): void {
    const framework = this.#pick(this.#frameworks)
    const link = this.#pick(this.#open)
    const rare = [
      () => framework && this.bench.do({ type: 'STREAM_BROKEN', streamId: framework.stream }),
      () => framework && this.bench.call(framework, { type: 'REVIVE' }),
      () => framework && this.bench.call(framework, { type: 'SUPPRESS' }),
      () => this.roll(4) === 0 && framework && this.bench.call(framework, { type: 'TEARDOWN' }),
      () => link && this.#break(link),
      () => this.roll(6) === 0 && this.bench.pass(80, [...this.#open].slice(1)),
      () => link && this.roll(6) === 0 && this.#unregister(link),
      () => link && this.#exitExecutor(link),
    ]
    rare[this.roll(rare.length)]!()
  }

  #break(link: string): void {
    if (!this.#open.delete(link)) return
    this.bench.do({ type: 'LINK_ENDED', link, restarted: this.roll(2) === 0 })
  }

  #unregister(link: string): void {
    this.bench.fromAgent(link, { unregister: {} })
    this.#break(link)
    this.#agents.delete(link)
  }

  #exitExecutor(link: string): void {
    const agent = this.bench.heart.cluster.agentsByLink.get(link)
    const [frameworkId, executors] = this.#pick(agent?.executors ?? []) ?? []
    const executorId = this.#pick(executors?.keys() ?? [])
    if (frameworkId && executorId)
      this.bench.fromAgent(link, {
        exited_executor: { framework_id: { value: frameworkId }, executor_id: { value: executorId } },
      })
  }

  /** The first thing that does not hold, or undefined. */
  broken(): string | undefined {
    const { heart, tables } = this.bench
    const { agents, offers, tasks, allocator } = heart.cluster
    for (const agent of agents.values()) {
      const offered = Resources.sum(
        [...offers.values()].filter(({ agentId }) => agentId === agent.id).map(({ resources }) => resources),
      )
      const running = [...tasks.ofAgent(agent.id)]
        .filter(({ state }) => holdsResources(state))
        .map(({ resources }) => resources)
      const executors = [...agent.executors.values()].flatMap(ofFramework =>
        [...ofFramework.values()].map(({ resources }) => Resources.from(resources)),
      )
      const used = Resources.sum([...running, ...executors])
      const given = used.plus(offered).unallocated()
      if (!given.equals(allocator.allocated(agent.id)))
        return `${agent.id}: the allocator counts ${formatResources(allocator.allocated(agent.id))}, given are ${formatResources(given)}`
      if (agent.connected && !agent.total.contains(given.nonShared().plus(given.sharedOnce())))
        return `${agent.id}: more is given than there is`
      const has = this.#models.get(agent.id)?.total ?? own
      if (agent.connected && !agent.total.equals(has))
        return `${agent.id}: has ${formatResources(has)}, the master thinks ${formatResources(agent.total)}`
      for (const name of own.names())
        if (agent.total.scalar(name) !== own.scalar(name)) return `${agent.id}: there is another amount of ${name}`
      const row = tables.agents.get(agent.id)
      if (!row) return `${agent.id}: readers do not see it`
      if (!row.used.equals(used.unallocated()) || !row.offered.equals(offered.unallocated()))
        return `${agent.id}: readers see other sums`
      if (!row.total.equals(agent.total)) return `${agent.id}: readers see another total`
      if (row.view.active !== agent.connected) return `${agent.id}: readers see another activity`
      if (!agent.connected && !offered.isEmpty) return `${agent.id}: is offered and disconnected`
    }
    if (tables.agents.size !== agents.size) return 'readers see other agents'
    if (tables.operations.size !== heart.cluster.operations.size) return 'readers see other operations'
    return this.#brokenTasks()
  }

  #brokenTasks(): string | undefined {
    const { heart, tables } = this.bench
    const { frameworks, tasks, offers } = heart.cluster
    if ([...frameworks.keys()].sort().join() !== [...tables.frameworks.keys()].sort().join())
      return 'readers see other frameworks'
    for (const framework of frameworks.values()) {
      const row = tables.frameworks.get(framework.id)!
      const active = [...tables.tasksOf(framework.id)].filter(({ fate }) => fate === 'active')
      const mine = [...tasks.ofFramework(framework.id)]
      if (active.length !== mine.length)
        return `${framework.id}: readers see ${active.length} active tasks of ${mine.length}`
      for (const task of mine) {
        const shown = tables.task(framework.id, task.id)
        if (shown?.task.state !== task.state)
          return `${framework.id}/${task.id}: readers see ${shown?.task.state}, it is ${task.state}`
      }
      const unreachable = [...tables.tasksOf(framework.id)].filter(({ fate }) => fate === 'unreachable')
      if (unreachable.length !== [...tasks.unreachableOf(framework.id)].length)
        return `${framework.id}: readers see other unreachable tasks`
      if (unreachable.length > 5) return `${framework.id}: too many unreachable tasks`
      if (framework.streamId === undefined && framework.offers.size > 0)
        return `${framework.id}: is offered and not subscribed`
      if (row.offers.size !== framework.offers.size) return `${framework.id}: readers see other offers`
    }
    for (const offer of offers.values()) if (!frameworks.has(offer.frameworkId)) return `offer ${offer.id} of nobody`
    const counted = [...tables.counters.values()].reduce((sum, count) => sum + count, 0)
    const rows = [...tables.frameworks.values(), ...tables.completedFrameworks.values()]
    const there = rows.reduce(
      (sum, row) => sum + row.lists.active.size + row.lists.unreachable.size + row.lists.completed.size,
      0,
    )
    return counted === there ? undefined : `${counted} tasks are counted, ${there} are there`
  }
}

t.test('whatever happens, books, heart and readers agree, and nothing is given twice', async t => {
  const first = Number(process.env.SEED ?? 1)
  for (let seed = first; seed < first + (process.env.SEED ? 1 : 40); seed++) {
    const storm = new Storm(seed)
    for (let step = 0; step < 300; step++) {
      storm.bench.forgetEffects()
      storm.step()
      const broken = storm.broken()
      if (broken !== undefined) return t.fail(`SEED=${seed}, step ${step}: ${broken}`)
    }
  }
  t.pass('40 seeds of 300 steps')
})

t.test('the same seed gives the same effects', async t => {
  const run = () => {
    const storm = new Storm(5)
    for (let step = 0; step < 200; step++) storm.step()
    return JSON.stringify(storm.bench.effects)
  }
  const first = run()
  t.ok(run() === first)
})
