import type { ScriptedFramework } from './framework.ts'
import type { SimulatedHost } from './machines.ts'
import type { SimulatedMasters } from './masters.ts'

/** Where frameworks, master and machines do not agree; undefined when they do, and nothing is left of what has ended. */
export function findDifference(
  masters: SimulatedMasters,
  hosts: readonly SimulatedHost[],
  frameworks: readonly ScriptedFramework[],
): string | undefined {
  if (masters.leading.length !== 1) return `${masters.leading.length} masters lead`
  const { cluster } = masters.leader!.heart
  const ids = new Set(hosts.map(({ agent }) => agent!.heart.core.agentId))
  for (const framework of frameworks) {
    // An agent whose registration was answered by a master that died has taken another id: nobody will ever answer for the first.
    const live = framework.live.filter(({ state, agent }) => ids.has(agent) || state !== 'TASK_UNREACHABLE')
    const known = live.map(({ id, state }) => `${id} ${state}`)
    const led = [...cluster.tasks.ofFramework(framework.id!)].map(({ id, state }) => `${id} ${state}`)
    if (!same(known, led)) return `${framework.name} knows [${known}], the master [${led}]`
    const strange = live.find(({ state }) => state !== 'TASK_RUNNING')
    if (strange) return `${strange.id} is ${strange.state} for ever`
    const pending = framework.operations.live.find(
      ({ agent, state }) => ids.has(agent) && state === 'OPERATION_PENDING',
    )
    if (pending) return `${pending.id} is pending for ever`
    const unended = [...cluster.operations.ofFramework(framework.id!)].filter(({ agentId }) => ids.has(agentId))
    if (unended.length > 0) return `the master has ${unended.length} operations of ${framework.name}`
  }
  for (const host of hosts) {
    const { agentId, tasks, operations } = host.agent!.heart.core
    if (operations.size > 0) return `${host.name} has ${operations.size} operations that nobody has acknowledged`
    const expected = frameworks.flatMap(({ live }) => live.filter(({ agent }) => agent === agentId))
    const there = [...tasks.values()].map(({ info }) => info.task_id.value)
    const ids = expected.map(({ id }) => id)
    if (!same(ids, there)) return `${host.name} knows [${there}], the frameworks of it [${ids}]`
    if (host.machine.containers.size !== ids.length || host.running !== ids.length)
      return `${host.name} has ${host.machine.containers.size} containers, ${host.running} of them run, for [${ids}]`
  }
  return undefined
}

const same = (one: readonly string[], other: readonly string[]) => `${[...one].sort()}` === `${[...other].sort()}`
