import { Resources } from '@meseta/common/resources/resources'
import { parseResources } from '@meseta/common/resources/text'
import t from 'tap'
import { HeartBench } from './support/heart-bench.ts'

const of = (text: string) => Resources.from(parseResources(text))
const aware = { capabilities: [{ type: 'PARTITION_AWARE' as const }] }

t.test('registration', async t => {
  t.test('an agent is usable only when the registry has it', async t => {
    const bench = new HeartBench()
    bench.holdsWrites = true
    const framework = bench.framework()
    t.equal(bench.agent('l1'), '')
    t.same(bench.offers(framework.stream), [])
    bench.writeRegistry()
    t.match(bench.sent('l1'), [{ registered: { agent_id: { value: 'M-S0' }, total_ping_timeout_seconds: 75 } }])
    t.equal(bench.offers(framework.stream).length, 1)
    t.match(bench.registry.get('M-S0'), { entry: { state: 'admitted', info: { id: { value: 'M-S0' } } } })
  })
  t.test('said twice it gives the same id', async t => {
    const bench = new HeartBench()
    const id = bench.agent('l1')
    bench.forgetEffects()
    t.equal(bench.agent('l1'), id)
    t.equal(bench.heart.cluster.agents.size, 1)
  })
  t.test('a session that ends during the write leaves a disconnected agent', async t => {
    const bench = new HeartBench()
    bench.holdsWrites = true
    bench.agent('l1')
    bench.do({ type: 'LINK_ENDED', link: 'l1', restarted: false })
    bench.writeRegistry()
    t.match([...bench.heart.cluster.agents.values()], [{ connected: false }])
    bench.agent('l1')
    t.match([...bench.heart.cluster.agents.values()], [{ connected: true }])
  })
  t.test('is refused with a reason', async t => {
    const bench = new HeartBench()
    const domain = { fault_domain: { region: { name: 'r' }, zone: { name: 'z' } } }
    bench.agent('l1', { version: '0.28.1' })
    bench.agent('l2', { agent_info: { hostname: 'h', domain } })
    bench.agent('l3', {
      agent_info: { hostname: 'h', resources: [{ name: 'cpus', type: 'SCALAR', scalar: { value: -1 } }] },
    })
    for (const link of ['l1', 'l2', 'l3']) t.match(bench.sent(link), [{ shutdown: { message: String } }])
    t.equal(bench.heart.cluster.agents.size, 0)
  })
  t.test('of a new agent at the address of a disconnected one removes that one', async t => {
    const bench = new HeartBench()
    const old = bench.agent('l1', { pid: 'slave(1)@10.0.0.1:5051' })
    bench.do({ type: 'LINK_ENDED', link: 'l1', restarted: false })
    const young = bench.agent('l2', { pid: 'slave(1)@10.0.0.1:5051' })
    t.not(young, old)
    t.same([...bench.heart.cluster.agents.keys()], [young])
    t.same([...bench.registry.keys()], [young])
  })
  t.test('messages before it count for nothing', async t => {
    const bench = new HeartBench()
    const framework = bench.framework()
    bench.do({ type: 'LINK_OPENED', link: 'l1', agentId: undefined })
    bench.update('l1', framework.id, 't', 'TASK_RUNNING')
    t.same(bench.updates(framework.stream), [])
  })
})

t.test('launching', async t => {
  t.test('what is left is declined with the filter; what is used is used', async t => {
    const bench = new HeartBench()
    bench.agent('l1')
    const framework = bench.framework()
    const [offer] = bench.offers(framework.stream)
    bench.forgetEffects()
    t.equal(
      bench.accept(framework, [offer!], [{ type: 'LAUNCH', launch: { task_infos: [bench.task(offer!)] } }], 5),
      202,
    )
    t.match(bench.sent('l1'), [
      {
        run_task: {
          task: { task_id: { value: 't' }, resources: [{ allocation_info: { role: '*' } }, {}] },
          framework_info: { id: { value: framework.id } },
        },
      },
    ])
    bench.pass(4)
    t.same(bench.offers(framework.stream), [])
    bench.pass(3)
    const [rest] = bench.offers(framework.stream)
    t.ok(Resources.from(rest!.resources!).equals(of('cpus:3;mem:992;disk:1000')))
    t.match(bench.tables.agents.get('M-S0'), { used: { isEmpty: false } })
  })
  t.test('with a bad offer everything is dropped and every good offer returns', async t => {
    const bench = new HeartBench()
    bench.agent('l1')
    const framework = bench.framework(aware)
    const old = bench.framework({ role: 'old' })
    const [offer] = bench.offers(framework.stream)
    for (const [offers, message] of [
      [[{ ...offer!, id: { value: 'gone' } }], 'Task launched with invalid offers: Offer gone is no longer valid'],
      [[offer!, { ...offer!, id: { value: 'gone' } }], /Offer gone is no longer valid/],
      [[], /No offers/],
    ] as const) {
      bench.forgetEffects()
      t.equal(
        bench.accept(framework, offers, [
          { type: 'LAUNCH', launch: { task_infos: [bench.task(offer!)] } },
          { type: 'RESERVE', id: { value: 'op' }, reserve: {} },
        ]),
        202,
      )
      t.match(bench.updates(framework.stream), [
        { state: 'TASK_DROPPED', source: 'SOURCE_MASTER', reason: 'REASON_INVALID_OFFERS', message },
      ])
      t.notOk('uuid' in bench.updates(framework.stream)[0]!)
      t.match(
        bench.events(framework.stream).find(({ type }) => type === 'UPDATE_OPERATION_STATUS'),
        { update_operation_status: { status: { state: 'OPERATION_ERROR' } } },
      )
    }
    bench.forgetEffects()
    bench.accept(old, [offer!], [{ type: 'LAUNCH', launch: { task_infos: [bench.task(offer!)] } }])
    t.match(bench.updates(old.stream), [{ state: 'TASK_LOST', reason: 'REASON_INVALID_OFFERS' }])
  })
  t.test("another framework's offer stays with it", async t => {
    const bench = new HeartBench()
    bench.agent('l1')
    const owner = bench.framework()
    const [offer] = bench.offers(owner.stream)
    const thief = bench.framework({ role: 'x' })
    bench.accept(thief, [offer!], [{ type: 'LAUNCH', launch: { task_infos: [bench.task(offer!)] } }])
    bench.call(thief, { type: 'DECLINE', decline: { offer_ids: [offer!.id] } })
    t.ok(bench.heart.cluster.offers.has(offer!.id.value))
  })
  t.test('tasks that are refused get TASK_ERROR, and the others run', async t => {
    const bench = new HeartBench()
    const agentId = bench.agent('l1')
    const framework = bench.framework()
    const [offer] = bench.offers(framework.stream)
    bench.launch(framework, offer!, { task_id: { value: 'busy' } })
    const resources = (text: string) => parseResources(text)
    const executor = { executor_id: { value: 'e' }, command: { value: 'x' } }
    const cases: [string, Parameters<typeof bench.task>[1], RegExp][] = [
      ['a bad id', { task_id: { value: 'a/b' } }, /task_id/],
      ['an id in use', { task_id: { value: 'busy' } }, /duplicate/],
      ['another agent', { agent_id: { value: 'other' } }, /agent_id/],
      ['negative grace', { kill_policy: { grace_period: { nanoseconds: -1 } } }, /grace_period/],
      ['negative completion time', { max_completion_time: { nanoseconds: -1 } }, /max_completion_time/],
      ['a check without its kind', { check: { type: 'HTTP' } }, /check\.http/],
      ['a check of no type', { check: {} }, /check\.type/],
      ['a health check without anything', { health_check: {} }, /health_check\.type/],
      ['a health check of an odd scheme', { health_check: { http: { port: 80, scheme: 'ftp' } } }, /scheme/],
      [
        'a health check with a negative time',
        { health_check: { tcp: { port: 80 }, delay_seconds: -1 } },
        /delay_seconds/,
      ],
      ['no resources', { resources: [] }, /no resources/],
      ['only zeros', { resources: resources('cpus:0') }, /no resources/],
      ['a negative amount', { resources: [{ name: 'cpus', type: 'SCALAR', scalar: { value: -1 } }] }, /negative/],
      [
        'two roles',
        { resources: [...resources('cpus:1'), { ...resources('mem:32')[0]!, allocation_info: { role: 'x' } }] },
        /more than one role/,
      ],
      [
        'revocable and not',
        { resources: [...resources('cpus:1'), { ...resources('cpus:1')[0]!, revocable: {} }] },
        /revocable/,
      ],
      ['half a GPU', { resources: resources('cpus:1;gpus:0.5') }, /gpus/],
      [
        'a variable without value',
        { command: { value: 'x', environment: { variables: [{ name: 'A' }] } } },
        /variables\[0\]/,
      ],
      ['a container without its kind', { container: { type: 'DOCKER' } }, /container\.docker/],
      ['a limit that nothing asks for', { limits: { disk: { value: 1 } } }, /limits/],
      ['a limit below the request', { limits: { cpus: { value: 0.5 } } }, /limits\[cpus\]/],
      ['neither command nor executor', { command: undefined }, /exactly one/],
      ['both command and executor', { command: { value: 'x' }, executor }, /exactly one/],
      ['the default executor', { executor: { executor_id: { value: 'e' }, type: 'DEFAULT' } }, /executor\.type/],
      ['an executor without command', { executor: { executor_id: { value: 'e' } } }, /executor\.command/],
      ['cgroups of its own', { container: { type: 'MESOS', linux_info: { share_cgroups: false } } }, /share_cgroups/],
      ['more than there is', { resources: resources('cpus:5') }, /Total resources .* is more than available/],
      [
        'more with its executor',
        { resources: resources('cpus:2.5'), executor: { ...executor, resources: resources('cpus:1') } },
        /more than available/,
      ],
    ]
    for (const [what, task, message] of cases) {
      bench.pass(1)
      const again = bench.offers(framework.stream).at(-1)!
      bench.forgetEffects()
      bench.launch(framework, again, { task_id: { value: 'bad' }, ...task })
      t.match(
        bench.updates(framework.stream),
        [{ state: 'TASK_ERROR', reason: 'REASON_TASK_INVALID', source: 'SOURCE_MASTER', message }],
        what,
      )
      t.same(bench.sent('l1'), [], what)
    }
    bench.pass(1)
    const last = bench.offers(framework.stream).at(-1)!
    bench.forgetEffects()
    bench.launch(
      framework,
      last,
      { task_id: { value: 'bad' }, resources: [] },
      { task_id: { value: 'good' }, resources: resources('cpus:1;mem:32;gpus:0') },
    )
    t.match(bench.updates(framework.stream), [{ task_id: { value: 'bad' } }])
    t.match(bench.sent('l1'), [{ run_task: { task: { task_id: { value: 'good' }, agent_id: { value: agentId } } } }])
  })
  t.test('an executor is paid for once, must stay the same, and is given back when it exits', async t => {
    const bench = new HeartBench()
    const agentId = bench.agent('l1')
    const framework = bench.framework()
    const executor = {
      executor_id: { value: 'e' },
      command: { value: 'x' },
      resources: parseResources('cpus:1;mem:64'),
    }
    bench.launch(framework, bench.offers(framework.stream)[0]!, { task_id: { value: 't1' }, executor })
    bench.pass(1)
    bench.launch(framework, bench.offers(framework.stream).at(-1)!, { task_id: { value: 't2' }, executor })
    t.ok(bench.heart.cluster.allocator.allocated(agentId).equals(of('cpus:3;mem:128')))
    bench.pass(1)
    bench.forgetEffects()
    bench.launch(
      framework,
      bench.heart.cluster.offers.size > 0
        ? ({
            ...bench.offers(framework.stream)[0],
            id: { value: [...bench.heart.cluster.offers.keys()][0]! },
            agent_id: { value: agentId },
          } as never)
        : (undefined as never),
      { task_id: { value: 't3' }, executor: { ...executor, command: { value: 'y' } } },
    )
    t.match(bench.updates(framework.stream), [{ state: 'TASK_ERROR', message: /executor: differs/ }])
    bench.forgetEffects()
    bench.fromAgent('l1', {
      exited_executor: { framework_id: { value: framework.id }, executor_id: { value: 'e' }, status: 9 },
    })
    t.match(
      bench.events(framework.stream).filter(({ type }) => type === 'FAILURE'),
      [{ failure: { executor_id: { value: 'e' }, agent_id: { value: agentId }, status: 9 } }],
    )
    t.same([...bench.heart.cluster.agents.get(agentId)!.executors], [])
  })
  t.test('groups go all or none', async t => {
    const bench = new HeartBench()
    bench.agent('l1')
    const framework = bench.framework()
    const executor = {
      executor_id: { value: 'e' },
      type: 'DEFAULT' as const,
      resources: parseResources('cpus:0.1;mem:32;disk:10'),
    }
    const group = (tasks: Parameters<typeof bench.task>[1][], more: object = {}) => {
      bench.pass(1)
      const id = [...bench.heart.cluster.offers.keys()][0]!
      const offer = { id: { value: id }, agent_id: { value: 'M-S0' } } as never
      bench.forgetEffects()
      bench.accept(
        framework,
        [offer],
        [
          {
            type: 'LAUNCH_GROUP',
            launch_group: {
              executor: { ...executor, ...more },
              task_group: { tasks: tasks.map(task => bench.task(offer, task)) },
            },
          },
        ],
      )
      return bench.updates(framework.stream)
    }
    const two = [{ task_id: { value: 'a' } }, { task_id: { value: 'b' } }]
    for (const [tasks, more, message] of [
      [two, { type: undefined }, /executor\.type/],
      [two, { command: { value: 'x' } }, /executor\.command/],
      [two, { resources: parseResources('mem:32;disk:10') }, /cpus/],
      [two, { resources: parseResources('cpus:1;mem:31;disk:10') }, /mem/],
      [two, { resources: parseResources('cpus:1;mem:32') }, /disk/],
      [two, { container: { type: 'DOCKER', docker: { image: 'x' } } }, /DOCKER/],
      [[two[0], { ...two[1], container: { type: 'DOCKER', docker: { image: 'x' } } }], {}, /tasks\[1\].*DOCKER/],
      [[two[0], { ...two[1], limits: { cpus: { value: 2 } } }], {}, /limits/],
      [
        [two[0], { ...two[1], container: { type: 'MESOS', network_infos: [{}] }, health_check: { http: { port: 1 } } }],
        {},
        /health_check/,
      ],
      [[two[0], { ...two[1], resources: parseResources('cpus:4') }], {}, /more than available/],
      [[two[0], two[0]], {}, /twice/],
    ] as const) {
      const updates = group(tasks as never, more)
      t.match(
        updates,
        [
          { state: 'TASK_ERROR', reason: 'REASON_TASK_GROUP_INVALID', message },
          { state: 'TASK_ERROR', reason: 'REASON_TASK_GROUP_INVALID', message },
        ],
        String(message),
      )
      t.same(bench.sent('l1'), [])
    }
    t.same(group(two), [])
    t.match(bench.sent('l1'), [
      {
        run_task_group: {
          executor: { executor_id: { value: 'e' } },
          task_group: { tasks: [{ task_id: { value: 'a' } }, { task_id: { value: 'b' } }] },
        },
      },
    ])
    t.match(
      [...bench.tables.frameworks.get(framework.id)!.tasks.values()],
      [{ task: { executor_id: { value: 'e' } } }, {}],
    )
  })
  t.test('an operation id on a launch is an error; other operations say that they are not supported', async t => {
    const bench = new HeartBench()
    bench.agent('l1')
    const framework = bench.framework()
    const [offer] = bench.offers(framework.stream)
    bench.forgetEffects()
    bench.accept(
      framework,
      [offer!],
      [
        { type: 'LAUNCH', id: { value: 'x' }, launch: { task_infos: [bench.task(offer!)] } },
        { type: 'RESERVE', id: { value: 'y' }, reserve: { resources: [] } },
        { type: 'CREATE', create: { volumes: [] } },
      ],
    )
    t.match(bench.updates(framework.stream), [{ state: 'TASK_ERROR' }])
    const operations = bench.events(framework.stream).filter(({ type }) => type === 'UPDATE_OPERATION_STATUS')
    t.match(operations, [
      {
        update_operation_status: {
          status: { operation_id: { value: 'y' }, state: 'OPERATION_ERROR', message: /not supported yet/ },
        },
      },
    ])
    t.equal(operations.length, 1)
  })
})

t.test('status updates', async t => {
  const launched = (info: object = {}) => {
    const bench = new HeartBench()
    const agentId = bench.agent('l1')
    const framework = bench.framework(info)
    bench.launch(framework, bench.offers(framework.stream)[0]!, {})
    bench.pass(1)
    bench.forgetEffects()
    return { bench, framework, agentId }
  }
  t.test('of the end give the resources back before the acknowledgement, which completes the task', async t => {
    const { bench, framework, agentId } = launched()
    const uuid = bench.update('l1', framework.id, 't', 'TASK_FINISHED')
    t.match(bench.updates(framework.stream), [{ state: 'TASK_FINISHED', uuid, agent_id: { value: agentId } }])
    bench.pass(1)
    t.ok(bench.offers(framework.stream).some(({ resources }) => Resources.from(resources!).equals(of('cpus:1;mem:32'))))
    t.ok(bench.heart.cluster.tasks.get(framework.id, 't'))
    bench.forgetEffects()
    bench.call(framework, {
      type: 'ACKNOWLEDGE',
      acknowledge: { agent_id: { value: agentId }, task_id: { value: 't' }, uuid },
    })
    t.match(bench.sent('l1'), [{ acknowledge: { uuid } }])
    t.notOk(bench.heart.cluster.tasks.get(framework.id, 't'))
    t.match(bench.tables.frameworks.get(framework.id), { completed: [{ task: { state: 'TASK_FINISHED' } }] })
  })
  t.test('acknowledging what was not forwarded is dropped', async t => {
    const { bench, framework, agentId } = launched()
    bench.call(framework, {
      type: 'ACKNOWLEDGE',
      acknowledge: { agent_id: { value: agentId }, task_id: { value: 't' }, uuid: 'AAAAAAAAAAAAAAAAAAAAAA==' },
    })
    t.same(bench.sent('l1'), [])
  })
  t.test('once terminal, the state never changes', async t => {
    const { bench, framework } = launched()
    bench.update('l1', framework.id, 't', 'TASK_FAILED')
    bench.update('l1', framework.id, 't', 'TASK_RUNNING')
    t.equal(bench.heart.cluster.tasks.get(framework.id, 't')!.state, 'TASK_FAILED')
  })
  t.test('the state shown is the latest, the forwarded one stands beside it', async t => {
    const { bench, framework } = launched()
    bench.fromAgent('l1', {
      status_update: {
        framework_id: { value: framework.id },
        status: { task_id: { value: 't' }, state: 'TASK_STARTING', uuid: 'AAAAAAAAAAAAAAAAAAAAAA==', data: 'AAAA' },
        latest_state: 'TASK_RUNNING',
      },
    })
    t.match(bench.tables.frameworks.get(framework.id)!.tasks.get('t'), {
      task: { state: 'TASK_RUNNING', status_update_state: 'TASK_STARTING' },
    })
    t.equal(bench.updates(framework.stream)[0]!.data, 'AAAA', 'data reaches the framework')
    t.notOk('data' in bench.tables.frameworks.get(framework.id)!.tasks.get('t')!.task.statuses![0]!, 'and is not kept')
  })
  t.test('are not queued for a framework that does not listen', async t => {
    const { bench, framework } = launched()
    bench.do({ type: 'STREAM_BROKEN', streamId: framework.stream })
    bench.update('l1', framework.id, 't', 'TASK_RUNNING')
    const again = bench.framework({ id: { value: framework.id } })
    t.same(bench.updates(again.stream), [])
    bench.update('l1', framework.id, 't', 'TASK_RUNNING')
    t.equal(bench.updates(again.stream).length, 1)
  })
  t.test('of a framework that is gone tell the agent so', async t => {
    const { bench, framework } = launched()
    bench.call(framework, { type: 'TEARDOWN' })
    bench.forgetEffects()
    bench.update('l1', framework.id, 't', 'TASK_RUNNING')
    t.match(bench.sent('l1'), [{ shutdown_framework: { framework_id: { value: framework.id } } }])
  })
})

t.test('reconciliation', async t => {
  const bench = new HeartBench({}, [
    { id: 'back', entry: { state: 'admitted', info: { hostname: 'h', id: { value: 'back' } } } },
    { id: 'away', entry: { state: 'unreachable', info: { hostname: 'h', id: { value: 'away' } }, since: 5 } },
    { id: 'gone', entry: { state: 'gone', since: 6 } },
  ])
  const agentId = bench.agent('l1')
  const framework = bench.framework(aware)
  const old = bench.framework({ role: 'x' })
  bench.launch(framework, bench.offers(framework.stream)[0]!, {})
  bench.update('l1', framework.id, 't', 'TASK_RUNNING', { healthy: true, data: 'AAAA', labels: { labels: [] } })
  const ask = (who: { stream: string; id: string }, tasks: { task: string; agent?: string }[]) => {
    bench.forgetEffects()
    bench.call(who, {
      type: 'RECONCILE',
      reconcile: {
        tasks: tasks.map(({ task, agent }) => ({
          task_id: { value: task },
          ...(agent ? { agent_id: { value: agent } } : {}),
        })),
      },
    })
    return bench.updates(who.stream)
  }
  t.match(ask(framework, []), [
    { state: 'TASK_RUNNING', source: 'SOURCE_MASTER', reason: 'REASON_RECONCILIATION', healthy: true },
  ])
  const [known] = ask(framework, [{ task: 't' }])
  t.match(known, { state: 'TASK_RUNNING' })
  for (const field of ['uuid', 'data', 'labels']) t.notOk(field in known!, `no ${field}`)
  t.same(ask(framework, [{ task: 'x', agent: 'back' }]), [], 'its agent may come back')
  t.same(ask(framework, [{ task: 'x' }]), [], 'and so may any')
  t.match(ask(framework, [{ task: 'x', agent: agentId }]), [{ state: 'TASK_GONE' }])
  t.match(ask(framework, [{ task: 'x', agent: 'away' }]), [
    { state: 'TASK_UNREACHABLE', unreachable_time: { nanoseconds: 5e6 } },
  ])
  t.match(ask(framework, [{ task: 'x', agent: 'gone' }]), [{ state: 'TASK_GONE_BY_OPERATOR' }])
  t.match(ask(framework, [{ task: 'x', agent: 'never' }]), [{ state: 'TASK_UNKNOWN' }])
  for (const agent of [agentId, 'away', 'gone', 'never'])
    t.match(ask(old, [{ task: 'x', agent }]), [{ state: 'TASK_LOST' }], agent)
  bench.reregister('l2', 'back')
  t.match(ask(framework, [{ task: 'x' }]), [{ state: 'TASK_UNKNOWN' }])
  bench.forgetEffects()
  bench.call(framework, { type: 'KILL', kill: { task_id: { value: 'x' }, agent_id: { value: agentId } } })
  t.match(bench.updates(framework.stream), [{ state: 'TASK_GONE' }], 'killing what is not known reconciles it')
  bench.forgetEffects()
  bench.call(framework, { type: 'KILL', kill: { task_id: { value: 't' }, agent_id: { value: 'back' } } })
  t.same([...bench.sent('l1'), ...bench.sent('l2')], [], 'a kill that names another agent is ignored')
  bench.call(framework, {
    type: 'RECONCILE_OPERATIONS',
    reconcile_operations: { operations: [{ operation_id: { value: 'o' }, agent_id: { value: 'away' } }] },
  })
  t.match(bench.events(framework.stream), [{ update_operation_status: { status: { state: 'OPERATION_UNREACHABLE' } } }])
})

t.test('frameworks', async t => {
  t.test('a second subscription takes over: the old stream is told, offers are made anew', async t => {
    const bench = new HeartBench()
    bench.agent('l1')
    const first = bench.framework()
    const [offer] = bench.offers(first.stream)
    bench.forgetEffects()
    const second = bench.framework({ id: { value: first.id }, user: 'other', checkpoint: false, name: 'new' })
    t.match(bench.events(first.stream), [{ type: 'ERROR', error: { message: 'Framework failed over' } }])
    t.ok(bench.effects.some(effect => effect.type === 'STREAM_CLOSED' && effect.streamId === first.stream))
    const [again] = bench.offers(second.stream)
    t.not(again!.id.value, offer!.id.value)
    t.equal(bench.call(first, { type: 'REVIVE' }), 400)
    t.match(bench.tables.frameworks.get(first.id), { view: { info: { user: 'u', checkpoint: true, name: 'new' } } })
  })
  t.test('after a broken stream it has failover_timeout to come back', async t => {
    const bench = new HeartBench()
    bench.agent('l1')
    const framework = bench.framework({ failover_timeout: 10 })
    bench.launch(framework, bench.offers(framework.stream)[0]!, {})
    bench.do({ type: 'STREAM_BROKEN', streamId: framework.stream })
    t.equal(bench.call(framework, { type: 'REVIVE' }), 403)
    bench.pass(9)
    t.match(bench.tables.frameworks.get(framework.id), { view: { active: false, connected: false } })
    const again = bench.framework({ id: { value: framework.id }, failover_timeout: 10 })
    bench.pass(5)
    t.ok(bench.heart.cluster.frameworks.has(framework.id), 'the timer is void')
    bench.do({ type: 'STREAM_BROKEN', streamId: again.stream })
    bench.forgetEffects()
    bench.pass(11)
    t.notOk(bench.heart.cluster.frameworks.has(framework.id))
    t.match(bench.sent('l1'), [{ shutdown_framework: {} }])
    t.match(bench.tables.completedFrameworks.get(framework.id), {
      completed: [{ task: { state: 'TASK_KILLED', statuses: [{ reason: 'REASON_FRAMEWORK_REMOVED' }] } }],
    })
    const late = bench.framework({ id: { value: framework.id } })
    t.equal(late.id, '')
    t.ok(bench.effects.some(effect => effect.type === 'STREAM_REFUSED' && /has been removed/.test(effect.message)))
  })
  t.test('without failover_timeout it is removed at once', async t => {
    const bench = new HeartBench()
    const framework = bench.framework({ failover_timeout: 0 })
    bench.do({ type: 'STREAM_BROKEN', streamId: framework.stream })
    t.notOk(bench.heart.cluster.frameworks.has(framework.id))
  })
  t.test('an unknown id is taken as it is, a changed principal is not', async t => {
    const bench = new HeartBench()
    const framework = bench.framework({ id: { value: 'old-0001' }, principal: 'p' })
    t.equal(framework.id, 'old-0001')
    bench.framework({ id: { value: 'old-0001' }, principal: 'q' })
    t.ok(bench.effects.some(effect => effect.type === 'STREAM_REFUSED' && /principal/.test(effect.message)))
  })
  t.test('UPDATE_FRAMEWORK rescinds offers of roles that were left', async t => {
    const bench = new HeartBench()
    bench.agent('l1')
    const multi = { capabilities: [{ type: 'MULTI_ROLE' as const }] }
    const framework = bench.framework({ ...multi, roles: ['a', 'b'] })
    const [offer] = bench.offers(framework.stream)
    const update = (info: object) =>
      bench.call(framework, {
        type: 'UPDATE_FRAMEWORK',
        update_framework: {
          framework_info: {
            user: 'u',
            name: 'f',
            checkpoint: true,
            failover_timeout: 100,
            id: { value: framework.id },
            ...multi,
            ...info,
          },
        },
      })
    t.equal(update({ roles: ['a', 'b'], user: 'other' }), 400)
    t.equal(update({ roles: ['a', 'b'], checkpoint: false }), 400)
    t.equal(update({ roles: ['/x'] }), 400)
    bench.forgetEffects()
    t.equal(update({ roles: ['b'] }), 200)
    t.match(bench.events(framework.stream)[0], { type: 'RESCIND', rescind: { offer_id: offer!.id } })
    t.match(bench.offers(framework.stream), [{ allocation_info: { role: 'b' } }])
  })
  t.test('REVIVE and SUPPRESS of a role that is not its own are dropped', async t => {
    const bench = new HeartBench()
    bench.agent('l1')
    const framework = bench.framework({ role: 'a' }, { suppressed_roles: ['a'] })
    t.same(bench.offers(framework.stream), [])
    t.equal(bench.call(framework, { type: 'REVIVE', revive: { roles: ['b'] } }), 202)
    t.same(bench.offers(framework.stream), [])
    bench.call(framework, { type: 'REVIVE' })
    t.equal(bench.offers(framework.stream).length, 1)
  })
  t.test('offers that are not answered are rescinded after --offer_timeout', async t => {
    const bench = new HeartBench({ offerTimeout: 5_000 })
    bench.agent('l1')
    const framework = bench.framework()
    const [offer] = bench.offers(framework.stream)
    bench.pass(6)
    t.match(
      bench.events(framework.stream).filter(({ type }) => type === 'RESCIND'),
      [{ rescind: { offer_id: offer!.id } }],
    )
    t.equal(bench.offers(framework.stream).length, 2)
  })
  t.test('completed frameworks are bounded', async t => {
    const bench = new HeartBench({ maxCompletedFrameworks: 2 })
    for (let i = 0; i < 5; i++) bench.call(bench.framework(), { type: 'TEARDOWN' })
    t.equal(bench.heart.cluster.completed.size, 2)
  })
})
