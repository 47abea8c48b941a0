import { type EventEmitter, once } from 'node:events'
import { createRequire } from 'node:module'
import { userInfo } from 'node:os'
import t from 'tap'
import { bootCluster } from '../src/support/boot.ts'
import { json, send } from '../src/support/http.ts'
import { until } from '../src/support/until.ts'

// Clients that were written for the originals, as they are on npm.
const require = createRequire(import.meta.url)

interface FrameworkScheduler extends EventEmitter {
  subscribe(): void
  teardown(): void
  frameworkId: string
}

interface State {
  readonly frameworks: readonly {
    readonly id: string
    readonly name: string
    readonly tasks: readonly { readonly state: string }[]
  }[]
  readonly completed_frameworks: readonly { readonly id: string }[]
}

t.setTimeout(110_000)

t.test('existing clients', { timeout: 110_000 }, async t => {
  const booted = await bootCluster(t)

  await t.test('mesos-framework subscribes, gets offers, launches, sees its task run, and tears down', async t => {
    const { Scheduler, Mesos } = require('mesos-framework') as {
      Scheduler: new (options: object) => FrameworkScheduler
      Mesos: { getMesos(): { CommandInfo: new (...parts: unknown[]) => object } }
    }
    const master = new URL(booted.cluster().master)
    const scheduler = new Scheduler({
      masterUrl: master.hostname,
      port: Number(master.port),
      frameworkName: 'compat',
      user: userInfo().username,
      logging: { level: 'error' },
      tasks: {
        sleeper: {
          priority: 1,
          instances: 1,
          commandInfo: new (Mesos.getMesos().CommandInfo)(null, null, true, 'sleep 1000', null, null),
          resources: { cpus: 0.1, mem: 32, ports: 1, disk: 0 },
        },
      },
    })
    const errors: unknown[] = []
    scheduler.on('error', error => errors.push(error))
    const states: string[] = []
    scheduler.on('update', (update: { status: { state: string } }) => states.push(update.status.state))
    const offered = once(scheduler, 'offers')
    await once(scheduler, 'ready')
    const subscribed = once(scheduler, 'subscribed')
    scheduler.subscribe()
    const [{ frameworkId, mesosStreamId }] = (await subscribed) as [{ frameworkId: string; mesosStreamId: string }]
    t.ok(frameworkId)
    t.ok(mesosStreamId)
    const [offers] = (await offered) as [{ offers: readonly { url: { address: { ip: string } } }[] }]
    t.match(offers.offers[0]!.url.address.ip, /^127\./)
    await until('the update TASK_RUNNING', () => states.includes('TASK_RUNNING'))
    const state = () => json<State>(`${booted.cluster().master}/state`)
    const known = (await state()).frameworks.find(({ id }) => id === frameworkId)
    t.same(
      known?.tasks.map(task => task.state),
      ['TASK_RUNNING'],
    )
    await until('a heartbeat', () => once(scheduler, 'heartbeat'), 20_000)
    scheduler.teardown()
    await until('the end of the framework', async () => {
      const { frameworks, completed_frameworks } = await state()
      return (
        !frameworks.some(({ id }) => id === frameworkId) && completed_frameworks.some(({ id }) => id === frameworkId)
      )
    })
    // Its stream ends with the teardown; what it says of that is no error of ours.
    t.same(
      errors.filter(error => /parse as JSON|linebreak/i.test(JSON.stringify(error))),
      [],
    )
  })

  await t.test('marathon-event-bus-client hears a deployment from its start to its success', async t => {
    const Client = require('marathon-event-bus-client') as new (
      options: object,
    ) => EventEmitter & { subscribe(): void; unsubscribe(): void }
    const marathon = new URL(booted.cluster().marathon)
    const heard: { name: string; data: { id?: string; plan?: { id: string } } }[] = []
    const handler = (name: string, data: (typeof heard)[number]['data']) => heard.push({ name, data })
    const names = [
      'deployment_info',
      'deployment_step_success',
      'deployment_success',
      'status_update_event',
      'group_change_success',
    ]
    const client = new Client({
      marathonHost: marathon.hostname,
      marathonPort: marathon.port,
      marathonProtocol: 'http',
      eventTypes: names,
      handlers: Object.fromEntries(names.map(name => [name, handler])),
    })
    // The end of the cluster ends its stream.
    client.on('error', () => undefined)
    const subscribed = once(client, 'subscribed')
    client.subscribe()
    await subscribed
    const { deployments } = await send<{ deployments: { id: string }[] }>('POST', `${marathon.origin}/v2/apps`, {
      id: '/heard',
      cmd: 'sleep 1000',
      cpus: 0.05,
      mem: 32,
    })
    const id = deployments[0]!.id
    await until('deployment_success', () =>
      heard.some(({ name, data }) => name === 'deployment_success' && data.id === id),
    )
    t.ok(heard.some(({ name, data }) => name === 'deployment_info' && data.plan?.id === id))
    t.ok(heard.some(({ name }) => name === 'status_update_event'))
    client.unsubscribe()
    await send('DELETE', `${marathon.origin}/v2/apps/heard`)
  })
})
