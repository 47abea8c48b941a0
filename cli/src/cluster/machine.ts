import { statfsSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'

/** What this machine offers to tasks; memory and disk in MiB. */
export interface Machine {
  readonly cpus: number
  readonly mem: number
  readonly disk: number
}

const gib = 1024

/** Leaves something to the machine itself, as the agent does (agent contract, 4). */
const share = (total: number, kept: number) => Math.floor(total >= 2 * kept ? total - kept : total / 2)

export function measureMachine(folder: string): Machine {
  const fs = statfsSync(folder)
  return {
    cpus: availableParallelism(),
    mem: share(totalmem() / 2 ** 20, gib),
    disk: share((fs.blocks * fs.bsize) / 2 ** 20, 5 * gib),
  }
}

/** The resources of agent `index` (from 0) of `count`, in the text form of `--resources`: equal shares, each with its own ports. */
export function slice(machine: Machine, index: number, count: number): string {
  const ports = 1001
  const begin = 31000 + Math.floor((ports * index) / count)
  const end = 31000 + Math.floor((ports * (index + 1)) / count) - 1
  const cpus = Math.floor((machine.cpus / count) * 1000) / 1000
  return `cpus:${cpus};mem:${Math.floor(machine.mem / count)};disk:${Math.floor(machine.disk / count)};ports:[${begin}-${end}]`
}
