import { statfsSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import type { Resource } from '@meseta/common/protocol/mesos'
import { parseResources } from '@meseta/common/resources/text'

/** What a machine has. Bytes, and a number of processors. */
export interface Machine {
  readonly cpus: number
  readonly memory: number
  readonly disk: number
}

const mib = 2 ** 20
const gib = 2 ** 30

/** Looks at this machine: its online processors, its memory (a cgroup's limit counts), the file system of a folder. */
export function measureMachine(folder: string): Machine {
  const limit = process.constrainedMemory()
  const memory = limit > 0 ? Math.min(limit, totalmem()) : totalmem()
  const { blocks, bsize } = statfsSync(folder)
  return { cpus: availableParallelism(), memory, disk: blocks * bsize }
}

/**
 * The resources that the agent offers: those of the text (`--resources`), and for `cpus`, `mem`, `disk` and `ports` that it does
 * not name what the machine has, less a share for the machine itself (agent contract, section 4).
 * @throws {BadMessage} naming the piece of the text that is wrong
 */
export function agentResources(text: string | undefined, machine: Machine): Resource[] {
  const given = text === undefined || text.trim() === '' ? [] : parseResources(text)
  const named = new Set(given.map(resource => resource.name))
  return [...defaults(machine).filter(resource => !named.has(resource.name)), ...given].filter(isSomething)
}

function defaults({ cpus, memory, disk }: Machine): Resource[] {
  return [
    scalar('cpus', cpus),
    scalar('mem', Math.floor(less(memory, gib, 2 * gib) / mib)),
    scalar('disk', Math.floor(less(disk, 5 * gib, 10 * gib) / mib)),
    { name: 'ports', type: 'RANGES', ranges: { range: [{ begin: 31000, end: 32000 }] } },
  ]
}

/** Keeps a share for the machine where there is enough, else half. */
function less(total: number, kept: number, enough: number): number {
  return total >= enough ? total - kept : total / 2
}

function scalar(name: string, value: number): Resource {
  return { name, type: 'SCALAR', scalar: { value } }
}

/** A scalar of 0 says that there is none (`gpus:0`). */
function isSomething({ type, scalar }: Resource): boolean {
  return type !== 'SCALAR' || (scalar?.value ?? 0) > 0
}
