import type { OfferOperation, Resource } from '@meseta/common/protocol/mesos'
import { Resources } from '@meseta/common/resources/resources'
import { parseResources } from '@meseta/common/resources/text'
import t from 'tap'
import {
  capabilities,
  create,
  destroy,
  disk100,
  grow,
  mount,
  reserve,
  setUp,
  shrink,
  unreserve,
} from './support/operations-bench.ts'
import { reserved, volume } from './support/volumes.ts'

/** An operation that is refused, in an offer that holds disk:100 and cpus:1 reserved and a volume v of 100. */
const refused: readonly [name: string, operation: OfferOperation, message: RegExp][] = [
  ['RESERVE of nothing', reserve(), /^reserve\.resources: must not be empty/],
  ['RESERVE of less than an amount', reserve(...reserved('cpus:0')), /^reserve\.resources: must be more than 0/],
  [
    'RESERVE that is invalid',
    reserve({ name: '', type: 'SCALAR', scalar: { value: 1 } }),
    /^reserve\.resources: .*no name/,
  ],
  [
    'RESERVE without a reservation',
    reserve(...parseResources('cpus:1')),
    /^reserve\.resources\[0\]: is not dynamically reserved/,
  ],
  ['RESERVE of a static reservation', reserve(...parseResources('cpus(r):1')), /\[0\]: is not dynamically reserved/],
  ['RESERVE for everybody', reserve(...reserved('cpus:1', '*')), /'\*', which can not be reserved/],
  ['RESERVE of revocable resources', reserve({ ...reserved('cpus:1')[0]!, revocable: {} }), /revocable/],
  [
    "RESERVE for a role that is not the framework's",
    reserve(...reserved('cpus:1', 'q')),
    /\[0\]: .*'q', which is no role of the framework/,
  ],
  [
    "RESERVE for another role than the allocation's",
    reserve({ ...reserved('cpus:1')[0]!, allocation_info: { role: 'q' } }),
    /\[0\]: is reserved for 'r', and allocated to 'q'/,
  ],
  ['RESERVE of a volume', reserve(volume(10, 'n')), /\[0\]: is a persistent volume/],
  [
    'RESERVE of several resource providers',
    reserve(...reserved('cpus:1;mem:1').map((one, index) => ({ ...one, provider_id: { value: `p${index}` } }))),
    /must be of one resource provider/,
  ],
  ['RESERVE of more than is offered', reserve(...reserved('cpus:100')), /not all there/],
  [
    'RESERVE with a source',
    { type: 'RESERVE', reserve: { source: reserved('cpus:1'), resources: reserved('cpus:1') } },
    /^reserve\.source: only operators/,
  ],
  ['UNRESERVE of nothing', unreserve(), /^unreserve\.resources: must not be empty/],
  ['UNRESERVE of what is not reserved', unreserve(...parseResources('cpus:1')), /\[0\]: is not dynamically reserved/],
  [
    'UNRESERVE of a static reservation',
    unreserve(...parseResources('cpus(r):1')),
    /\[0\]: is not dynamically reserved/,
  ],
  ['UNRESERVE of a volume', unreserve(volume(100)), /\[0\]: is a persistent volume, which must be destroyed first/],
  ['UNRESERVE of more than is reserved', unreserve(...reserved('cpus:2')), /not all there/],
  ['CREATE of nothing', create(), /^create\.volumes: must not be empty/],
  ['CREATE without persistence', create(disk100), /\[0\]: has no disk\.persistence/],
  ['CREATE without a reservation', create({ ...volume(10, 'n'), reservations: [] }), /must be reserved/],
  ['CREATE without a volume', create({ ...disk100, disk: { persistence: { id: 'n' } } }), /\[0\]: has no disk\.volume/],
  [
    'CREATE of a read-only volume',
    create({ ...disk100, disk: { persistence: { id: 'n' }, volume: { container_path: 'd', mode: 'RO' } } }),
    /mode RW/,
  ],
  [
    'CREATE on a path of the host',
    create({
      ...disk100,
      disk: { persistence: { id: 'n' }, volume: { container_path: 'd', host_path: '/x', mode: 'RW' } },
    }),
    /host_path/,
  ],
  ['CREATE with an id that is none', create(volume(10, '../x')), /disk\.persistence\.id/],
  ['CREATE with an id that is taken', create(volume(10, 'v')), /\[0\]: the role has a volume with the id 'v'/],
  ['CREATE with an id twice', create(volume(10, 'n'), volume(20, 'n')), /\[1\]: the role has a volume with the id 'n'/],
  ['CREATE of nothing at all', create(volume(0, 'n')), /must be more than 0/],
  ['CREATE of more than is reserved', create(volume(500, 'n')), /not all there/],
  ['DESTROY of nothing', destroy(), /^destroy\.volumes: must not be empty/],
  ['DESTROY of what is no volume', destroy(disk100), /\[0\]: is no persistent volume/],
  ['DESTROY of an unknown volume', destroy(volume(100, 'n')), /\[0\]: is not on the agent/],
  ['GROW_VOLUME without a body', { type: 'GROW_VOLUME' }, /^grow_volume: must be given/],
  [
    'GROW_VOLUME by nothing',
    grow(volume(100), { ...disk100, scalar: { value: 0 } }),
    /^grow_volume\.addition: must be more than 0/,
  ],
  [
    'GROW_VOLUME from another reservation',
    grow(volume(100), parseResources('disk:10')[0]!),
    /not of the reservation and disk/,
  ],
  ['GROW_VOLUME from another disk', grow(volume(100), { ...disk100, disk: mount }), /not of the reservation and disk/],
  ['GROW_VOLUME of a shared volume', grow(volume(100, 'v', { shared: {} }), disk100), /shared/],
  [
    "GROW_VOLUME of a provider's",
    grow(volume(100, 'v', { provider_id: { value: 'p' } }), disk100),
    /resource provider/,
  ],
  ['GROW_VOLUME of what is no volume', grow(disk100, disk100), /no disk\.persistence/],
  ['SHRINK_VOLUME without a body', { type: 'SHRINK_VOLUME' }, /^shrink_volume: must be given/],
  ['SHRINK_VOLUME by nothing', shrink(volume(100), 0), /subtract must be more than 0/],
  ['SHRINK_VOLUME by no number', shrink(volume(100), Number.NaN), /subtract: must be a number/],
  ['SHRINK_VOLUME by all of it', shrink(volume(100), 100), /subtract must be less/],
  ['SHRINK_VOLUME of a shared volume', shrink(volume(100, 'v', { shared: {} }), 10), /shared/],
  [
    'SHRINK_VOLUME on a MOUNT disk',
    shrink({ ...volume(100), disk: { ...volume(100).disk!, ...mount } }, 10),
    /MOUNT disk can not be resized/,
  ],
  [
    'CREATE_DISK of what is not RAW',
    { type: 'CREATE_DISK', create_disk: { source: disk100, target_type: 'MOUNT' } },
    /^create_disk\.source: must be a RAW disk/,
  ],
  [
    'CREATE_DISK of another kind',
    {
      type: 'CREATE_DISK',
      create_disk: { source: { ...disk100, disk: { source: { type: 'RAW' } } }, target_type: 'PATH' },
    },
    /^create_disk\.target_type: must be MOUNT or BLOCK/,
  ],
  [
    'CREATE_DISK without a profile',
    {
      type: 'CREATE_DISK',
      create_disk: { source: { ...disk100, disk: { source: { type: 'RAW' } } }, target_type: 'MOUNT' },
    },
    /^create_disk\.target_profile/,
  ],
  [
    'CREATE_DISK with two profiles',
    {
      type: 'CREATE_DISK',
      create_disk: {
        source: { ...disk100, disk: { source: { type: 'RAW', profile: 'a' } } },
        target_type: 'MOUNT',
        target_profile: 'b',
      },
    },
    /^create_disk\.target_profile/,
  ],
  [
    'CREATE_DISK, since there is no provider',
    {
      type: 'CREATE_DISK',
      create_disk: { source: { ...disk100, disk: { source: { type: 'RAW', profile: 'a' } } }, target_type: 'MOUNT' },
    },
    /no resource provider/,
  ],
  ['DESTROY_DISK without an id', { type: 'DESTROY_DISK', destroy_disk: { source: disk100 } }, /source\.id/],
  [
    'DESTROY_DISK under a volume',
    { type: 'DESTROY_DISK', destroy_disk: { source: volume(100) } },
    /must be destroyed first/,
  ],
  [
    'DESTROY_DISK, since there is no provider',
    { type: 'DESTROY_DISK', destroy_disk: { source: { ...disk100, disk: { source: { type: 'MOUNT', id: 'x' } } } } },
    /no resource provider/,
  ],
  ['an operation of a type that is unknown', {}, /^type: UNKNOWN/],
]

t.test('refused, with the reason, and nothing is changed', async t => {
  for (const [name, operation, message] of refused)
    t.test(name, async t => {
      const { bench, accept, statuses, agent } = setUp()
      accept(reserve(...reserved('cpus:1;disk:300')), create(volume(100)))
      const before = agent.total
      accept({ ...operation, id: { value: 'op' } })
      t.match(statuses(), [
        { operation_id: { value: 'op' }, state: 'OPERATION_ERROR', message, agent_id: { value: agent.id } },
      ])
      t.equal(statuses().length, 1)
      t.ok(agent.total.equals(before))
      t.same(
        bench.sent('l1').filter(sent => sent.apply_operation),
        [],
      )
      t.notOk(statuses()[0]!.uuid, 'nothing to acknowledge')
    })

  for (const [name, given, operation, message] of [
    [
      'RESERVE without the principal',
      { principal: 'p' },
      reserve(...reserved('cpus:1')),
      /has no reservation\.principal/,
    ],
    [
      'RESERVE with another principal',
      { principal: 'p' },
      reserve(...reserved('cpus:1', 'r', 'q')),
      /another reservation\.principal/,
    ],
    [
      'CREATE without the principal',
      { principal: 'p', resources: 'cpus:1;mem:64;disk(r):100' },
      create({ ...volume(10), reservations: [{ type: 'STATIC', role: 'r' }] }),
      /has no disk\.persistence\.principal/,
    ],
    [
      'CREATE of a shared volume by one who can not share',
      {
        framework: { capabilities: [{ type: 'MULTI_ROLE' }, { type: 'RESERVATION_REFINEMENT' }] },
        resources: 'cpus:1;mem:64;disk(r):100',
      },
      create({ ...volume(10, 'v', { shared: {} }), reservations: [{ type: 'STATIC', role: 'r' }] }),
      /SHARED_RESOURCES/,
    ],
    [
      'GROW_VOLUME on an agent that can not',
      {
        agent: {
          capabilities: [{ type: 'MULTI_ROLE' }, { type: 'RESOURCE_PROVIDER' }, { type: 'AGENT_OPERATION_FEEDBACK' }],
        },
      },
      grow(volume(100), disk100),
      /RESIZE_VOLUME/,
    ],
    [
      'SHRINK_VOLUME on an agent that can not',
      {
        agent: {
          capabilities: [{ type: 'MULTI_ROLE' }, { type: 'RESOURCE_PROVIDER' }, { type: 'AGENT_OPERATION_FEEDBACK' }],
        },
      },
      shrink(volume(100), 10),
      /RESIZE_VOLUME/,
    ],
    [
      'an id, on an agent without feedback',
      { agent: { capabilities: [{ type: 'MULTI_ROLE' }, { type: 'RESOURCE_PROVIDER' }] } },
      reserve(...reserved('cpus:1')),
      /^id: .*AGENT_OPERATION_FEEDBACK/,
    ],
    [
      'an id, on an agent without providers',
      { agent: { capabilities: [{ type: 'MULTI_ROLE' }, { type: 'AGENT_OPERATION_FEEDBACK' }] } },
      reserve(...reserved('cpus:1')),
      /^id: .*RESOURCE_PROVIDER/,
    ],
    [
      'a refined reservation, on an agent without refinement',
      {
        resources: 'cpus(r):1;mem:100',
        framework: { roles: ['r', 'r/s'] },
        agent: {
          capabilities: (
            ['MULTI_ROLE', 'HIERARCHICAL_ROLE', 'RESOURCE_PROVIDER', 'AGENT_OPERATION_FEEDBACK'] as const
          ).map(type => ({ type })),
        },
      },
      reserve({ ...reserved('cpus(r):1', 'r/s')[0]!, allocation_info: { role: 'r/s' } }),
      /RESERVATION_REFINEMENT/,
    ],
  ] as const)
    t.test(name, async t => {
      const { accept, statuses, agent } = setUp(given as Parameters<typeof setUp>[0])
      const before = agent.total
      accept({ ...operation, id: { value: 'op' } })
      t.match(statuses()[0], { state: 'OPERATION_ERROR', message })
      t.ok(agent.total.equals(before))
    })
  t.test('an id that is none, or in use', async t => {
    const { accept, statuses } = setUp()
    accept({ ...reserve(...reserved('cpus:1')), id: { value: 'a/b' } })
    t.match(statuses(), [{ state: 'OPERATION_ERROR', message: /^id\.value/ }])
    accept({ ...reserve(...reserved('cpus:1')), id: { value: 'x' } })
    accept({ ...reserve(...reserved('cpus:1')), id: { value: 'x' } })
    t.match(statuses(), [{ state: 'OPERATION_ERROR', message: /not acknowledged yet/ }])
  })
})

t.test('carried out', async t => {
  t.test(
    'RESERVE, CREATE and LAUNCH of the result in one call; what is left is offered again without the filter',
    async t => {
      const { bench, framework, offers, has } = setUp()
      const [offer] = offers()
      const data = volume(100)
      const task = bench.task(offer!, { resources: [...reserved('cpus:1;mem:32'), data] })
      bench.accept(
        framework,
        [offer!],
        [
          reserve(...reserved('cpus:2;mem:64;disk:150')),
          create(data),
          { type: 'LAUNCH', launch: { task_infos: [task] } },
        ],
        1_000,
      )
      const sent = bench.sent('l1')
      t.match(sent, [{ apply_operation: { info: { type: 'RESERVE' } } }, { apply_operation: {} }, { run_task: {} }])
      t.ok(has(...reserved('cpus:2;mem:64;disk:50'), data))
      t.same(bench.updates(framework.stream), [])
      bench.forgetEffects()
      bench.pass(1)
      const [again] = bench.offers(framework.stream)
      t.ok(again, 'in spite of the filter')
      t.ok(
        Resources.from(again!.resources!)
          .unallocated()
          .contains(Resources.from(reserved('cpus:1;mem:32;disk:50'))),
      )
      t.match(bench.tables.agents.get('M-S0')!.total.quantities().get('cpus'), 4, 'nothing is gained or lost')
      t.match(
        bench.tables.agents.get('M-S0')!.view.total.find(({ disk }) => disk),
        { disk: { persistence: { id: 'v' } } },
      )
    },
  )
  t.test('and undone again, to the last MB', async t => {
    const { accept, agent, has } = setUp()
    const before = agent.total
    accept(reserve(...reserved('disk:300')), create(volume(100)))
    accept(grow(volume(100), { ...disk100, scalar: { value: 50 } }))
    t.ok(has(volume(150), ...reserved('disk:150')))
    accept(shrink(volume(150), 30))
    t.ok(has(volume(120), ...reserved('disk:180')))
    accept(destroy(volume(120)))
    t.ok(has(...reserved('disk:300')))
    accept(unreserve(...reserved('disk:300')))
    t.ok(agent.total.equals(before))
  })
  t.test('a refinement is pushed on the reservation of the parent role, and popped', async t => {
    const { accept, agent, has } = setUp({ resources: 'cpus(r):2;mem:100', framework: { roles: ['r/s'] } })
    const before = agent.total
    accept(reserve(...reserved('cpus(r):1', 'r/s')))
    t.ok(has(...reserved('cpus(r):1', 'r/s')))
    accept(unreserve(...reserved('cpus(r):1', 'r/s')))
    t.ok(agent.total.equals(before))
  })
  t.test('a failing one is dropped, and the rest proceed', async t => {
    const { bench, framework, offers, statuses, has } = setUp()
    const [offer] = offers()
    const task = bench.task(offer!, { resources: reserved('cpus:1;mem:32') })
    bench.accept(
      framework,
      [offer!],
      [
        { ...reserve(...reserved('cpus:9')), id: { value: 'bad' } },
        reserve(...reserved('cpus:1;mem:32')),
        { type: 'LAUNCH', launch: { task_infos: [task] } },
      ],
    )
    t.match(statuses(), [{ operation_id: { value: 'bad' }, state: 'OPERATION_ERROR' }])
    t.ok(has(...reserved('cpus:1;mem:32')))
    t.match(bench.sent('l1'), [{ apply_operation: {} }, { run_task: {} }])
  })
  t.test('with the principal of the framework', async t => {
    const { accept, has } = setUp({ principal: 'p' })
    accept(reserve(...reserved('cpus:1', 'r', 'p')))
    t.ok(has(...reserved('cpus:1', 'r', 'p')))
  })
  t.test('in the older format, for a framework that reads that', async t => {
    const { bench, accept, has, offers, statuses, told, say } = setUp({
      framework: { roles: [], role: 'r', capabilities: [] },
    })
    const old: Resource = { ...parseResources('cpus:1')[0]!, role: 'r', reservation: {} }
    accept({ ...reserve(old), id: { value: 'x' } })
    t.ok(has(...reserved('cpus:1')))
    for (const operation of told())
      say({ ...operation, latest_status: { ...operation.latest_status, converted_resources: reserved('cpus:1') } })
    t.match(statuses(), [{ state: 'OPERATION_FINISHED', converted_resources: [{ role: 'r', reservation: {} }] }])
    bench.pass(1)
    t.match(
      offers()[0]!.resources!.find(({ reservation }) => reservation),
      { role: 'r', scalar: { value: 1 } },
    )
  })
  t.test('a volume in use is not destroyed, and is when its task has ended', async t => {
    const { bench, framework, accept, offers, statuses, has } = setUp()
    accept(reserve(...reserved('cpus:1;mem:64;disk:100')), create(volume(100)))
    const [offer] = offers()
    bench.launch(framework, offer!, { resources: [...reserved('cpus:1;mem:32'), volume(100)] })
    bench.pass(1)
    accept({ ...destroy(volume(100)), id: { value: 'x' } })
    t.match(statuses(), [{ state: 'OPERATION_ERROR', message: /\[0\]: is used by a task/ }])
    bench.update('l1', framework.id, 't', 'TASK_FINISHED')
    bench.pass(1)
    accept({ ...destroy(volume(100)), id: { value: 'x' } })
    t.same(statuses(), [])
    t.ok(has(...reserved('disk:100')))
  })
})

t.test('a shared volume', async t => {
  const shared = volume(100, 'v', { shared: {} })
  t.test('is used by many tasks of one call, and of other frameworks; and destroyed when nobody has it', async t => {
    const { bench, framework, offers, accept, agent, has } = setUp()
    accept(reserve(...reserved('disk:100')), create(shared))
    const [offer] = offers()
    const resources = [...parseResources('cpus:1;mem:32'), shared]
    bench.launch(framework, offer!, { task_id: { value: 'a' }, resources }, { task_id: { value: 'b' }, resources })
    t.same(bench.updates(framework.stream), [])
    t.match(bench.sent('l1'), [{ run_task: {} }, { run_task: {} }])
    const other = bench.framework({ roles: ['r'], capabilities })
    bench.pass(1)
    const held = [...bench.offers(framework.stream), ...bench.offers(other.stream)]
    t.equal(held.filter(({ resources }) => resources!.some(({ shared }) => shared)).length, 1, 'offered while in use')
    t.equal(bench.heart.cluster.allocator.allocated(agent.id).shared().toArray().length, 3)

    bench.update('l1', framework.id, 'a', 'TASK_FINISHED')
    const owner = bench.offers(framework.stream).length > 0 ? framework : other
    const mine = bench.offers(owner.stream)
    bench.forgetEffects()
    bench.accept(owner, mine, [{ ...destroy(shared), id: { value: 'x' } }])
    t.match(bench.events(owner.stream)[0], {
      update_operation_status: { status: { message: /used by a task/ } },
    })
    bench.update('l1', framework.id, 'b', 'TASK_FINISHED')
    bench.pass(1)
    const now = bench.offers(owner.stream)
    bench.forgetEffects()
    bench.accept(owner, now, [destroy(shared)])
    t.ok(has(...reserved('disk:100')))
    t.ok(bench.heart.cluster.allocator.allocated(agent.id).shared().isEmpty)
  })
  t.test('offers elsewhere that hold it are rescinded when it is destroyed', async t => {
    const { bench, framework, accept, offers, has } = setUp()
    accept(reserve(...reserved('disk:100')), create(shared))
    const [first] = offers()
    const task = bench.task(first!, { resources: [...parseResources('cpus:1;mem:32'), shared] })
    bench.accept(framework, [first!], [{ type: 'LAUNCH', launch: { task_infos: [task] } }], 1_000)
    const other = bench.framework({ roles: ['r'], capabilities })
    bench.pass(1)
    const [theirs] = bench.offers(other.stream)
    t.ok(theirs!.resources!.some(({ shared }) => shared))
    bench.update('l1', framework.id, 't', 'TASK_FINISHED')
    bench.forgetEffects()
    bench.call(framework, { type: 'REVIVE' })
    const [mine] = offers()
    t.ok(mine!.resources!.some(({ shared }) => shared))
    bench.accept(framework, [mine!], [destroy(shared)])
    t.match(bench.events(other.stream), [{ type: 'RESCIND', rescind: { offer_id: theirs!.id } }])
    t.ok(has(...reserved('disk:100')))
  })
  t.test('a group whose tasks share it is launched', async t => {
    const { bench, framework, offers, accept } = setUp()
    accept(reserve(...reserved('disk:100')), create(shared))
    const [offer] = offers()
    const resources = [...parseResources('cpus:1;mem:32'), shared]
    const executor = {
      type: 'DEFAULT' as const,
      executor_id: { value: 'e' },
      resources: parseResources('cpus:0.1;mem:32;disk:10'),
    }
    const tasks = ['a', 'b'].map(value => bench.task(offer!, { task_id: { value }, resources }))
    bench.accept(framework, [offer!], [{ type: 'LAUNCH_GROUP', launch_group: { executor, task_group: { tasks } } }])
    t.same(bench.updates(framework.stream), [])
    t.match(bench.sent('l1'), [{ run_task_group: {} }])
  })
})
