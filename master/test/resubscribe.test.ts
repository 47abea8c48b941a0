import t from 'tap'
import type { Effect } from '../src/state/effects.ts'
import { HeartBench } from './support/heart-bench.ts'

const agents = 40
const links = Array.from({ length: agents }, (_, i) => `l${i}`)

/** A cluster in which a framework runs one task on every agent. */
function busy(info: object = {}) {
  const bench = new HeartBench()
  for (const link of links) bench.agent(link)
  const framework = bench.framework(info)
  for (const [index, offer] of bench.offers(framework.stream).entries())
    bench.launch(framework, offer, { task_id: { value: `t${index}` } })
  bench.pass(2, links)
  bench.forgetEffects()
  return { bench, framework }
}

const sends = (effects: readonly Effect[]) =>
  effects.flatMap(effect => (effect.type === 'SEND' ? [effect.message] : []))
const offerEvents = (effects: readonly Effect[]) =>
  effects.filter(effect => effect.type === 'EVENT' && effect.event.type === 'OFFERS').length

/** Breaks the stream and subscribes again, so many times. */
function resubscribe(
  bench: HeartBench,
  framework: { stream: string; id: string },
  times: number,
  info: (time: number) => object,
): { stream: string; id: string } {
  let current = framework
  for (let time = 0; time < times; time++) {
    bench.do({ type: 'STREAM_BROKEN', streamId: current.stream })
    current = bench.framework({ id: { value: framework.id }, ...info(time) })
  }
  return current
}

t.test(
  'a framework that subscribes again and again sends its agents nothing, and is offered once a second',
  async t => {
    const { bench, framework } = busy()
    const last = resubscribe(bench, framework, 25, () => ({}))
    t.same(sends(bench.effects), [])
    t.ok(offerEvents(bench.effects) <= 1, `${offerEvents(bench.effects)} events of offers`)
    t.ok(bench.effects.length < 25 * 10 + agents * 3, `${bench.effects.length} effects`)
    bench.forgetEffects()
    bench.pass(1, links)
    t.same(sends(bench.effects), [])
    t.equal(bench.offers(last.stream).length, agents, 'what it missed comes with the second')
  },
)

t.test('the one that takes the place of a live one is as cheap', async t => {
  const { bench, framework } = busy()
  let last = framework
  for (let time = 0; time < 25; time++) last = bench.framework({ id: { value: framework.id } })
  t.same(sends(bench.effects), [])
  t.ok(offerEvents(bench.effects) <= 1)
  bench.pass(1, links)
  t.equal(bench.offers(last.stream).length, agents)
})

t.test('a framework whose description changes each time tells its agents the newest, once a second', async t => {
  for (const way of ['SUBSCRIBE', 'UPDATE_FRAMEWORK']) {
    const { bench, framework } = busy()
    if (way === 'SUBSCRIBE') resubscribe(bench, framework, 25, time => ({ webui_url: `http://h:${time}` }))
    else
      for (let time = 0; time < 25; time++) {
        const framework_info = {
          user: 'u',
          name: 'f',
          failover_timeout: 100,
          checkpoint: true,
          id: { value: framework.id },
        }
        bench.call(framework, {
          type: 'UPDATE_FRAMEWORK',
          update_framework: { framework_info: { ...framework_info, webui_url: `http://h:${time}` } },
        })
      }
    t.same(sends(bench.effects), [], way)
    bench.pass(1, links)
    for (const link of links)
      t.match(bench.sent(link), [{ update_framework: { framework_info: { webui_url: 'http://h:24' } } }], way)
    bench.forgetEffects()
    bench.pass(3, links)
    t.same(sends(bench.effects), [], 'and that was all')
  }
})

t.test('an agent that was away when a description changed hears of it when it returns', async t => {
  const { bench, framework } = busy()
  const old = bench.heart.cluster.frameworks.get(framework.id)!.info
  bench.do({ type: 'LINK_ENDED', link: 'l0', restarted: false })
  resubscribe(bench, framework, 1, () => ({ webui_url: 'http://new' }))
  bench.pass(2, links.slice(1))
  const [task] = bench.heart.cluster.tasks.ofAgent('M-S0')
  const shown = bench.tables.task(framework.id, task!.id)!.task
  for (const [info, told] of [
    [old, 1],
    [bench.heart.cluster.frameworks.get(framework.id)!.info, 0],
  ] as const) {
    bench.forgetEffects()
    bench.reregister('l0', 'M-S0', { tasks: [shown], frameworks: [info] })
    const updates = bench.sent('l0').filter(message => message.update_framework)
    t.equal(updates.length, told)
    if (told) t.match(updates, [{ update_framework: { framework_info: { webui_url: 'http://new' } } }])
  }
})

t.test('after a change of masters every agent hears the description that its framework subscribes with', async t => {
  const bench = new HeartBench({}, [
    { id: 'a0', entry: { state: 'admitted', info: { hostname: 'h', id: { value: 'a0' } } } },
    { id: 'a1', entry: { state: 'admitted', info: { hostname: 'h', id: { value: 'a1' } } } },
  ])
  const framework_id = { value: 'old-0000' }
  for (const [index, webui_url] of ['http://one', 'http://two'].entries()) {
    const agent_id = { value: `a${index}` }
    const task = { name: 'n', task_id: { value: `t${index}` }, framework_id, agent_id, state: 'TASK_RUNNING' as const }
    const info = { user: 'u', name: 'f', id: framework_id, failover_timeout: 100, checkpoint: true, webui_url }
    bench.reregister(`l${index}`, agent_id.value, { tasks: [{ ...task, resources: [] }], frameworks: [info] })
  }
  bench.framework({ id: framework_id, webui_url: 'http://one' })
  bench.pass(1, links)
  for (const link of ['l0', 'l1'])
    t.match(
      bench.sent(link).filter(message => message.update_framework),
      [{ update_framework: { framework_info: { webui_url: 'http://one' } } }],
    )
})

t.test('a framework that goes for good is shut down where it has something, and nowhere else', async t => {
  const bench = new HeartBench()
  for (const link of links) bench.agent(link)
  for (let time = 0; time < 10; time++) {
    const { stream } = bench.framework({ failover_timeout: 0 })
    bench.do({ type: 'STREAM_BROKEN', streamId: stream })
  }
  t.same(
    sends(bench.effects).filter(message => message.shutdown_framework),
    [],
  )
  const framework = bench.framework()
  const offers = bench.offers(framework.stream)
  const executor = { executor_id: { value: 'e' }, command: { value: 'x' }, resources: [] }
  bench.launch(framework, offers[0]!, { task_id: { value: 'command' } })
  bench.launch(framework, offers[1]!, { task_id: { value: 'own' }, executor })
  const linkOf = ({ agent_id }: { agent_id: { value: string } }) => links[Number(agent_id.value.replace('M-S', ''))]!
  const link = linkOf(offers[1]!)
  const uuid = bench.update(link, framework.id, 'own', 'TASK_FINISHED')
  bench.call(framework, {
    type: 'ACKNOWLEDGE',
    acknowledge: { agent_id: offers[1]!.agent_id, task_id: { value: 'own' }, uuid },
  })
  bench.launch(framework, offers[2]!, { task_id: { value: 'past' }, executor })
  const gone = { framework_id: { value: framework.id }, executor_id: { value: 'e' } }
  const third = linkOf(offers[2]!)
  const last = bench.update(third, framework.id, 'past', 'TASK_FINISHED')
  bench.call(framework, {
    type: 'ACKNOWLEDGE',
    acknowledge: { agent_id: offers[2]!.agent_id, task_id: { value: 'past' }, uuid: last },
  })
  bench.fromAgent(third, { exited_executor: gone })
  bench.forgetEffects()
  bench.call(framework, { type: 'TEARDOWN' })
  const told = links.filter(each => bench.sent(each).some(message => message.shutdown_framework))
  const there = offers.slice(0, 2).map(linkOf)
  t.same(told.sort(), there.sort(), 'where a task runs, and where an executor is left')
})
