import { openAgentEnd } from '@meseta/common/messaging/agent-end'
import { openBus } from '@meseta/common/messaging/open'
import type { FrameworkInfo, Reregister } from '@meseta/common/protocol/mesos'
import { parseResources } from '@meseta/common/resources/text'
import { systemClock } from '@meseta/common/service/clock'
import { systemRandom } from '@meseta/common/service/random'
import { log } from '../support/component.ts'
import { shared } from '../support/shared-bus.ts'

// Agents that have had a master before: to each that leads they come back with the tasks that they run, as after a failover.
// Tells when all are registered for the first time.
const [, , busUrl = '', count = '1000', tasksEach = '0', frameworkId = ''] = process.argv
const bus = shared(await openBus(busUrl, { clock: systemClock, random: systemRandom, log }))
const framework: FrameworkInfo = {
  id: { value: frameworkId },
  user: 'bench',
  name: 'bench',
  roles: ['*'],
  failover_timeout: 1e6,
  checkpoint: true,
  capabilities: [{ type: 'MULTI_ROLE' }, { type: 'PARTITION_AWARE' }],
}
const total = parseResources('cpus:64;mem:65536;disk:65536;ports:[31000-32000]')
const capabilities = [
  { type: 'MULTI_ROLE' as const },
  { type: 'HIERARCHICAL_ROLE' as const },
  { type: 'RESERVATION_REFINEMENT' as const },
]
const taskResources = parseResources('cpus:0.1;mem:32').map(one => ({ ...one, allocation_info: { role: '*' } }))

function messageOf(index: number): Reregister {
  const ip = `127.${1 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`
  const agent = { value: `bench-S${index}` }
  const tasks = Array.from({ length: Number(tasksEach) }, (_, number) => {
    const id = { value: `bench.${index}.${number}` }
    const state = 'TASK_RUNNING' as const
    const container_status = {
      container_id: id,
      network_infos: [{ ip_addresses: [{ protocol: 'IPv4' as const, ip_address: ip }] }],
    }
    const uuid = Buffer.from(systemRandom.bytes(16)).toString('base64')
    const timestamp = systemClock.now() / 1000
    const executor_id = id
    const source = 'SOURCE_EXECUTOR' as const
    return {
      name: 'bench',
      task_id: id,
      framework_id: { value: frameworkId },
      agent_id: agent,
      state,
      resources: taskResources,
      statuses: [{ task_id: id, state, source, timestamp, agent_id: agent, executor_id, uuid, container_status }],
      status_update_state: state,
      status_update_uuid: uuid,
      labels: { labels: [{ key: 'of', value: 'the benchmark' }] },
      user: 'bench',
    }
  })
  return {
    agent_info: { id: agent, hostname: ip, port: 5051, resources: total },
    pid: `slave(1)@${ip}:5051`,
    version: '1.11.0',
    capabilities,
    tasks,
    frameworks: tasks.length === 0 ? [] : [framework],
  }
}

let registered = 0
for (let index = 0; index < Number(count); index++) {
  const end = openAgentEnd({
    bus,
    cluster: 'meseta',
    link: `bench${index}`,
    agentId: () => `bench-S${index}`,
    clock: systemClock,
    random: systemRandom,
    log,
    events: {
      opened: () => end.send({ reregister: messageOf(index) }),
      received: ({ reregistered }) => {
        if (reregistered && ++registered === Number(count)) process.send?.(registered)
      },
      ended: () => undefined,
    },
  })
}

// They end with the benchmark that started them.
process.once('disconnect', () => process.exit(0))
