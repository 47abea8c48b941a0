import { pino } from 'pino'
import t from 'tap'
import { ChangeLog } from '../src/change-log.ts'
import type { AgentView, FrameworkView } from '../src/state/changes.ts'

const agent = (connected: boolean, id = 'S0'): AgentView => ({
  info: { hostname: 'h', id: { value: id } },
  pid: 'slave(1)@10.0.0.1:5051',
  version: '1.11.0',
  capabilities: [],
  total: [],
  registeredAt: 0,
  reregisteredAt: undefined,
  active: connected,
  connected,
  deactivated: false,
  drain: undefined,
  drainStartedAt: undefined,
  invitations: [],
})
const framework = (connected: boolean): FrameworkView => ({
  info: { user: 'u', name: 'f', id: { value: 'F' } },
  active: connected,
  connected,
  recovered: false,
  registeredAt: 0,
  reregisteredAt: undefined,
  constraints: undefined,
})

t.test('each coming and going is one line, whatever else changes meanwhile', t => {
  const lines: string[] = []
  const log = pino({ level: 'info' }, { write: line => lines.push(JSON.parse(line).msg) })
  const changes = new ChangeLog(log)
  const agentIs = (connected: boolean, arrived = false) =>
    changes.log({ type: 'AGENT', agent: agent(connected), arrived })
  agentIs(true, true)
  agentIs(true)
  agentIs(false)
  agentIs(false)
  agentIs(true)
  agentIs(true)
  t.same(lines.splice(0), ['agent registered', 'agent disconnected', 'agent registered'])
  agentIs(false)
  changes.log({ type: 'AGENT_REMOVED', id: 'S0' })
  agentIs(true, true)
  t.same(lines.splice(0), ['agent disconnected', 'agent removed', 'agent registered'])
  for (const connected of [true, true, false, false, true])
    changes.log({ type: 'FRAMEWORK', framework: framework(connected), arrived: false })
  changes.log({ type: 'FRAMEWORK_COMPLETED', id: 'F', at: 0 })
  t.same(lines, ['framework subscribed', 'framework away', 'framework subscribed', 'framework completed'])
  t.end()
})
