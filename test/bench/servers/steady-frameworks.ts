import { userInfo } from 'node:os'
import type { Offer, TaskInfo } from '@meseta/common/protocol/mesos'
import { type Call, Scheduler } from '@meseta/sdk/scheduler'
import { hasCpus } from '../support/offers.ts'
import { answerUsage } from '../support/usage.ts'

// Frameworks that launch one task on each agent they are offered, for ever. Says how many of their tasks run when it is asked.
const [, , url = '', count = '200'] = process.argv
let launched = 0
let running = 0

const scalar = (name: string, value: number) => ({ name, type: 'SCALAR' as const, scalar: { value } })
const taskFor = (offer: Offer): TaskInfo => ({
  name: 'sleep',
  task_id: { value: `t${++launched}` },
  agent_id: offer.agent_id,
  resources: [scalar('cpus', 1), scalar('mem', 100)],
  command: { value: 'sleep 30' },
})

function begin(number: number): void {
  // What a lost session takes with it is offered again; its reason is said below.
  const send = (call: Call) => void scheduler.call(call).catch(() => undefined)
  const scheduler = new Scheduler({
    master: url,
    framework: {
      user: userInfo().username,
      name: `steady-${number}`,
      roles: ['*'],
      checkpoint: false,
      failover_timeout: 0,
      capabilities: [{ type: 'MULTI_ROLE' }],
    },
    maxCalls: 1_000_000,
    events: {
      subscribed: () => undefined,
      disconnected: reason => process.stderr.write(`framework ${number}: ${reason}\n`),
      ended: () => process.exit(1),
      event(event) {
        const offers = event.offers?.offers ?? []
        for (const offer of offers.filter(one => hasCpus(one, 1)))
          send({
            type: 'ACCEPT',
            accept: {
              offer_ids: [offer.id],
              operations: [{ type: 'LAUNCH', launch: { task_infos: [taskFor(offer)] } }],
              filters: { refuse_seconds: 1 },
            },
          })
        const useless = offers.filter(one => !hasCpus(one, 1)).map(({ id }) => id)
        if (useless.length > 0) send({ type: 'DECLINE', decline: { offer_ids: useless } })
        const status = event.update?.status
        if (!status) return
        if (status.state === 'TASK_RUNNING') running += 1
        if (status.state === 'TASK_FINISHED') running -= 1
        if (status.uuid !== undefined)
          send({
            type: 'ACKNOWLEDGE',
            acknowledge: { agent_id: status.agent_id!, task_id: status.task_id, uuid: status.uuid },
          })
      },
    },
  })
}

for (let number = 0; number < Number(count); number += 1) begin(number)
process.on('message', message => {
  if (message === 'running') process.send?.({ running, launched })
})
answerUsage()
process.send?.(Number(count))

// It ends with the benchmark that started it.
process.once('disconnect', () => process.exit(0))
