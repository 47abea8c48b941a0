import { Resources } from '@meseta/common/resources/resources'
import { parseResources } from '@meseta/common/resources/text'
import t from 'tap'
import { HeartBench } from './support/heart-bench.ts'

const of = (text: string) => Resources.from(parseResources(text))
const aware = { capabilities: [{ type: 'PARTITION_AWARE' as const }] }

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
    const tasks = Array.from({ length: 100 }, (_, i) => bench.task(offer!, { task_id: { value: `t${i}` } }))
    const long = { ...offer!, id: { value: 'o'.repeat(1_000_000) } }
    bench.accept(framework, [long], [{ type: 'LAUNCH', launch: { task_infos: tasks } }])
    t.ok(JSON.stringify(bench.updates(framework.stream)).length < 100_000, 'a long id is not sent back for every task')
    bench.forgetEffects()
    bench.accept(old, [offer!], [{ type: 'LAUNCH', launch: { task_infos: [bench.task(offer!)] } }])
    t.match(bench.updates(old.stream), [{ state: 'TASK_LOST', reason: 'REASON_INVALID_OFFERS' }])
  })
  t.test('with offers named twice, or of two agents, or for two roles, is dropped whole, and they return', async t => {
    const bench = new HeartBench()
    const multi = { capabilities: [{ type: 'MULTI_ROLE' as const }], roles: ['a', 'b'] }
    const framework = bench.framework(multi)
    bench.agent('l1', { resources: 'cpus(a):1;mem(a):64;cpus(b):1;mem(b):64' })
    bench.agent('l2', { resources: 'cpus(a):1;mem(a):64' })
    const offers = bench.offers(framework.stream)
    const of = (agentId: string, role: string) =>
      offers.find(({ agent_id, allocation_info }) => agent_id.value === agentId && allocation_info!.role === role)!
    for (const [pair, message] of [
      [[of('M-S0', 'a'), of('M-S0', 'a')], /named twice/],
      [[of('M-S0', 'a'), of('M-S1', 'a')], /another agent/],
      [[of('M-S0', 'a'), of('M-S0', 'b')], /another role/],
    ] as const) {
      const now = pair.map(offer => {
        const record = [...bench.heart.cluster.offers.values()].find(
          ({ agentId, role }) => agentId === offer.agent_id.value && role === offer.allocation_info!.role,
        )
        return { ...offer, id: { value: record!.id } }
      })
      bench.forgetEffects()
      bench.accept(framework, now, [{ type: 'LAUNCH', launch: { task_infos: [bench.task(now[0]!)] } }])
      t.match(bench.updates(framework.stream), [{ state: 'TASK_LOST', reason: 'REASON_INVALID_OFFERS', message }])
      t.same(bench.sent('l1'), [])
      bench.pass(1)
    }
  })
  t.test('a good offer that returns because of a bad one is not filtered', async t => {
    const bench = new HeartBench()
    bench.agent('l1')
    const framework = bench.framework()
    const [offer] = bench.offers(framework.stream)
    bench.accept(framework, [offer!, { ...offer!, id: { value: 'gone' } }], [], 1_000)
    bench.forgetEffects()
    bench.pass(1)
    t.equal(bench.offers(framework.stream).length, 1)
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
      [
        'a health check with an endless time',
        { health_check: { tcp: { port: 80 }, timeout_seconds: 1e300 } },
        /health_check\.timeout_seconds: must be a number of seconds from 0 to 9223372036/,
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
    t.equal(bench.heart.cluster.tally.counts.get('master/tasks_error'), cases.length + 1, 'each is counted')
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
    t.match([...bench.tables.tasksOf(framework.id)], [{ task: { executor_id: { value: 'e' } } }, {}])
  })
  t.test('an operation id on a launch is an error; other operations say why they are refused', async t => {
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
          status: {
            operation_id: { value: 'y' },
            state: 'OPERATION_ERROR',
            message: /^reserve\.resources: must not be empty/,
          },
        },
      },
    ])
    t.equal(operations.length, 1)
  })
})
