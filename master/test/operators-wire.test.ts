import t from 'tap'
import { FakeAgent } from './support/fake-agent.ts'
import { FakeScheduler, send } from './support/fake-scheduler.ts'
import { Ground, getJson, until } from './support/process.ts'

const json = { 'content-type': 'application/json' }

/** A v1 call; answers the status and the reply. */
async function call(url: string, body: object) {
  const { status, text } = await send(`${url}/api/v1`, 'POST', json, JSON.stringify(body))
  return { status, reply: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : text }
}

t.test('what operators set is read over the wire, and is there with the next leader', async t => {
  const ground = new Ground()
  t.teardown(() => ground.close())
  const first = await ground.leader('--ip=127.0.0.1', '--weights=a=2')
  const second = await ground.master('--ip=127.0.0.2')
  const agent = new FakeAgent({ bus: ground.bus, link: 'agent-1' })
  t.teardown(() => agent.stop())
  await agent.registered()

  t.same(await getJson(`${first}/weights`), [{ role: 'a', weight: 2 }])
  t.equal((await send(`${first}/weights`, 'PUT', json, '[{"role":"b","weight":0.5}]')).status, 200)
  t.equal((await send(`${first}/weights`, 'PUT', json, '[{"role":"b","weight":0}]')).status, 400)
  const quotas = [{ role: 'b', guarantees: { cpus: { value: 1 } }, limits: { cpus: { value: 2.5 } } }]
  t.match(await call(first, { type: 'UPDATE_QUOTA', update_quota: { quota_configs: quotas } }), { status: 200 })
  t.equal((await send(`${first}/quota`, 'POST', json, '{"role":"b","guarantee":[]}')).status, 400)
  t.equal((await send(`${first}/quota`, 'DELETE', json)).status, 400)
  t.equal((await send(`${first}/quota/unknown`, 'DELETE', json)).status, 400)
  t.match(await call(first, { type: 'DEACTIVATE_AGENT', deactivate_agent: { agent_id: { value: agent.id } } }), {
    status: 200,
  })
  t.match(await call(first, { type: 'MARK_AGENT_GONE', mark_agent_gone: { agent_id: { value: 'nobody' } } }), {
    status: 404,
  })

  const window = { machine_ids: [{ hostname: 'elsewhere' }], unavailability: { start: { nanoseconds: 5 } } }
  const planned = await send(`${first}/maintenance/schedule`, 'POST', json, JSON.stringify({ windows: [window] }))
  t.equal(planned.status, 200)
  t.equal((await send(`${first}/machine/down`, 'POST', json, '[{"hostname":"elsewhere"}]')).status, 200)
  t.equal((await send(`${first}/machine/down`, 'POST', json, '[{"hostname":"elsewhere"}]')).status, 400)

  const check = async (url: string, who: string) =>
    t.test(who, async t => {
      const weights = [
        { role: 'a', weight: 2 },
        { role: 'b', weight: 0.5 },
      ]
      t.same(await getJson(`${url}/weights`), weights)
      t.match(await call(url, { type: 'GET_WEIGHTS' }), { reply: { get_weights: { weight_infos: weights } } })
      t.match(await call(url, { type: 'GET_QUOTA' }), {
        reply: {
          get_quota: {
            status: {
              configs: quotas,
              infos: [{ role: 'b', guarantee: [{ name: 'cpus', type: 'SCALAR', scalar: { value: 1 } }] }],
            },
          },
        },
      })
      t.match(await getJson(`${url}/quota`), { configs: quotas })
      t.match(await getJson(`${url}/roles`), {
        roles: [{ name: 'b', weight: 0.5, quota: { role: 'b', guarantee: { cpus: 1 }, limit: { cpus: 2.5 } } }],
      })
      t.match(await call(url, { type: 'GET_AGENTS' }), {
        reply: { get_agents: { agents: [{ deactivated: true, active: false }] } },
      })
      t.match(await getJson(`${url}/maintenance/schedule`), { windows: [window] })
      t.match(await getJson(`${url}/maintenance/status`), { down_machines: [{ hostname: 'elsewhere' }] })
      t.match(await call(url, { type: 'GET_MAINTENANCE_STATUS' }), {
        reply: { get_maintenance_status: { status: { down_machines: [{ hostname: 'elsewhere' }] } } },
      })
      t.match(await getJson(`${url}/slaves`), { slaves: [{ deactivated: true, active: false }] })
    })
  await check(first, 'the leader')
  agent.received.length = 0
  await ground.stopMaster(first)
  await until(async () => (await send(`${second}/state`, 'GET', {})).status === 200, 'the other to lead')
  await agent.until(({ received }) => received.some(message => message.reregistered))
  await check(second, 'the next leader')
  t.equal((await send(`${second}/quota/b`, 'DELETE', json)).status, 200)
  t.same(await getJson(`${second}/quota`), {})
  t.equal((await send(`${second}/machine/up`, 'POST', json, '[{"hostname":"elsewhere"}]')).status, 200)
  t.same(await getJson(`${second}/maintenance/schedule`), {})
  t.same(ground.fatal, [])
})

t.test('a framework is asked before maintenance, answers, and is seen to have', async t => {
  const ground = new Ground()
  t.teardown(() => ground.close())
  const url = await ground.leader()
  const agent = new FakeAgent({ bus: ground.bus, link: 'agent-1' })
  t.teardown(() => agent.stop())
  await agent.registered()
  const scheduler = await new FakeScheduler(url).subscribe()
  await scheduler.launch((await scheduler.offers())[0]!, {})
  await scheduler.acknowledge(await scheduler.update('t1', 'TASK_RUNNING'))
  const machine = { hostname: '127.0.0.1', ip: '127.0.0.1' }
  const unavailability = { start: { nanoseconds: 5 }, duration: { nanoseconds: 7 } }
  const windows = [{ machine_ids: [machine], unavailability }]
  t.match(
    await call(url, { type: 'UPDATE_MAINTENANCE_SCHEDULE', update_maintenance_schedule: { schedule: { windows } } }),
    {
      status: 200,
    },
  )
  const { inverse_offers: asked } = await scheduler.next(({ type }) => type === 'INVERSE_OFFERS')
  t.match(asked, { inverse_offers: [{ agent_id: { value: agent.id }, unavailability }] })
  t.match(await call(url, { type: 'GET_FRAMEWORKS' }), {
    reply: { get_frameworks: { frameworks: [{ inverse_offers: [{ unavailability }] }] } },
  })
  const inverse_offer_ids = asked!.inverse_offers!.map(({ id }) => id)
  const answer = { inverse_offer_ids, filters: { refuse_seconds: 60 } }
  t.equal((await scheduler.call({ type: 'ACCEPT_INVERSE_OFFERS', accept_inverse_offers: answer })).status, 202)
  t.match(await getJson(`${url}/maintenance/status`), {
    draining_machines: [{ id: machine, statuses: [{ status: 'ACCEPT', framework_id: { value: scheduler.id } }] }],
  })
  t.equal((await send(`${url}/machine/down`, 'POST', json, JSON.stringify([machine]))).status, 200)
  await agent.until(({ received }) => received.some(message => message.shutdown))
  await scheduler.next(({ failure }) => failure?.agent_id?.value === agent.id)
  t.match(await getJson(`${url}/slaves`), { slaves: [] })
})
