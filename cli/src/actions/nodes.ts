import type { ClusterOptions } from '../client/find-cluster.ts'
import { type MesosAgent, readState } from '../client/mesos.ts'
import { Router } from '../client/router.ts'
import { printRows } from '../output/print.ts'

interface ListOptions extends ClusterOptions {
  readonly json: boolean
}

const number = (value: unknown): string => (typeof value === 'number' ? String(Math.round(value * 1000) / 1000) : '0')

/** Deactivated and draining nodes get no new tasks; the word says why. */
function status(agent: MesosAgent): string {
  const drain = agent.drain_info?.state
  if (drain) return drain
  if (agent.deactivated) return 'DEACTIVATED'
  return agent.active ? 'ACTIVE' : 'UNREACHABLE'
}

export async function list(options: ListOptions): Promise<void> {
  const state = await readState(Router.find(options))
  const masters = state.leader_info ? [{ hostname: state.leader_info.hostname, type: 'master (leader)' }] : []
  const used = (agent: MesosAgent, name: string) =>
    `${number(agent.used_resources?.[name])}/${number(agent.resources?.[name])}`
  printRows(
    options.json,
    [...masters, ...state.slaves.map(agent => ({ ...agent, type: 'agent' }))],
    ['hostname', 'ip', 'id', 'type', 'status', 'region', 'zone', 'cpus', 'mem'],
    () => [
      ...masters.map(({ hostname, type }) => [hostname, hostname, 'N/A', type, 'N/A', 'N/A', 'N/A', '', '']),
      ...state.slaves.map(agent => [
        agent.hostname,
        /@(.*):\d+$/.exec(agent.pid)?.[1] ?? 'N/A',
        agent.id,
        String(agent.attributes?.public_ip) === 'true' ? 'agent (public)' : 'agent',
        status(agent),
        agent.domain?.fault_domain?.region?.name ?? 'N/A',
        agent.domain?.fault_domain?.zone?.name ?? 'N/A',
        used(agent, 'cpus'),
        used(agent, 'mem'),
      ]),
    ],
  )
}

/** Frameworks: what runs tasks here. */
export async function services(options: ListOptions & { completed: boolean; inactive: boolean }): Promise<void> {
  const state = await readState(Router.find(options))
  const all = options.completed ? [...state.frameworks, ...state.completed_frameworks] : state.frameworks
  const shown = options.inactive ? all.filter(({ active }) => !active) : all
  printRows(options.json, shown, ['name', 'host', 'active', 'tasks', 'cpu', 'mem', 'disk', 'id'], () =>
    shown.map(framework => [
      framework.name,
      framework.hostname,
      framework.active ? 'True' : 'False',
      String(framework.tasks?.length ?? 0),
      number(framework.used_resources?.cpus),
      number(framework.used_resources?.mem),
      number(framework.used_resources?.disk),
      framework.id,
    ]),
  )
}
